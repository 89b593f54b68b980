import 'reflect-metadata';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';

@Injectable()
class Greeting {
  readonly text = 'hello';
}

@Injectable()
class Greeter {
  constructor(readonly greeting: Greeting) {}
}

export const calls = {
  async greet(name: string): Promise<{ text: string; at: Date }> {
    const app = await Test.createTestingModule({ providers: [Greeting, Greeter] }).compile();
    return { text: `${app.get(Greeter).greeting.text} ${name}`, at: new Date(0) };
  },
  async fail(): Promise<void> {
    throw Object.assign(new TypeError('not today'), { code: 'NOT_TODAY' });
  },
  async hang(): Promise<void> {
    await new Promise(() => undefined);
  },
  async crash(): Promise<void> {
    process.stderr.write('last words', () => process.exit(3));
    await new Promise(() => undefined);
  },
};
