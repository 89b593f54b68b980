import { describe, expect, it } from '@jest/globals';
import { setImmediate } from 'node:timers/promises';
import { currentSection, inSection } from '../../../src/base/section.js';

describe('a section of a call', () => {
  it('is the innermost one, and another one each time it is entered', async () => {
    expect(currentSection()).toBeUndefined();
    const sections = await inSection(async () => {
      const outer = currentSection();
      const inner = await inSection(async () => {
        await setImmediate();
        return currentSection();
      });
      return { outer, inner, again: inSection(currentSection), after: currentSection() };
    });
    expect(sections.inner).not.toBe(sections.outer);
    expect(sections.again).not.toBe(sections.inner);
    expect(sections.after).toBe(sections.outer);
    expect(currentSection()).toBeUndefined();
  });
});
