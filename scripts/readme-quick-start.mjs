/**
 * Reads the README's "Quick start" section, so that what a newcomer types is what is tested. Its form:
 *
 * - the first `ts` block is a complete `main.ts` that listens on `process.env.PORT ?? 3000`;
 * - the first `sh` block after it that calls curl holds requests to `localhost:3000`, each followed by what it answers
 *   in comments: `# → {"id":1}`, or with its status first, `# → 201 {"id":1}`. An ellipsis (…) stands for any text, for
 *   what differs from run to run; every expected line must stand in the answer, in this order. The status counts where
 *   it is given.
 */

/**
 * @typedef {{ command: string, expected: string[] }} Request
 *
 * @param {string} readme
 * @returns {{ program: string, requests: Request[] }}
 */
export function readQuickStart(readme) {
  const [, section] = /^## Quick start$([\s\S]*?)(?=^## |(?![\s\S]))/m.exec(readme) ?? [];
  if (section === undefined) throw new Error('README.md has no section "## Quick start".');
  const blocks = [...section.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language, text = '']) => ({
    language,
    text,
  }));
  const programAt = blocks.findIndex(({ language }) => language === 'ts');
  const program = blocks[programAt]?.text;
  if (program === undefined) throw new Error('The quick start of README.md has no ts block.');
  const shell = blocks.slice(programAt).find(({ language, text }) => language === 'sh' && /\bcurl\b/.test(text));
  if (shell === undefined) throw new Error('The quick start of README.md has no sh block with curl after its program.');
  return { program, requests: readRequests(shell.text) };
}

/** @param {string} text */
function readRequests(text) {
  /** @type {Request[]} */
  const requests = [];
  for (const line of text.replaceAll('\\\n', ' ').split('\n')) {
    const [, expected] = /^\s*# → (.*)$/.exec(line) ?? [];
    if (expected !== undefined) requests.at(-1)?.expected.push(expected.trim());
    else if (/^\s*curl\b/.test(line)) requests.push({ command: line.trim(), expected: [] });
  }
  const silent = requests.find(({ expected }) => expected.length === 0);
  if (silent) throw new Error(`The quick start of README.md does not say what this answers: ${silent.command}`);
  return requests;
}

/**
 * What is wrong with the answer to a request.
 *
 * @param {Request} request
 * @param {number} status
 * @param {string} answer
 * @returns {string | undefined} undefined when it is as the README says
 */
export function complaint(request, status, answer) {
  const [first = '', ...others] = request.expected;
  const [, expectedStatus, rest = first] = /^(\d{3})\b\s*(.*)$/.exec(first) ?? [];
  if (expectedStatus !== undefined && status !== Number(expectedStatus)) {
    return `status ${status} instead of ${expectedStatus}; the answer: ${answer}`;
  }
  let from = 0;
  for (const fragment of [rest, ...others].flatMap((line) => line.split('…'))) {
    const at = answer.indexOf(fragment.trim(), from);
    if (at === -1) return `no "${fragment.trim()}" in the answer: ${answer}`;
    from = at + fragment.trim().length;
  }
  return undefined;
}
