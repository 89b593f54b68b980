import { readFileSync } from 'node:fs';

/** One request of an .http file, variables not yet filled in. */
export interface HttpFileRequest {
  readonly title: string;
  readonly expectedStatus: number;
  readonly name: string | undefined;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** Reads an .http file whose titles end with the expected status: `### She buys it: 201`. */
export function readHttpFile(file: URL): HttpFileRequest[] {
  const [, ...blocks] = readFileSync(file, 'utf8').split(/^### /m);
  return blocks.map((block) => {
    const [head = '', ...bodyParts] = block.trimEnd().split('\n\n');
    const [title = '', ...lines] = head.split('\n');
    const name = lines.map((line) => /^# @name (\w+)$/.exec(line)?.[1]).find((found) => found !== undefined);
    const [requestLine = '', ...headerLines] = lines.filter((line) => !line.startsWith('#'));
    const [method = '', url = ''] = requestLine.split(' ');
    const headers = Object.fromEntries(headerLines.map((line) => line.split(': ') as [string, string]));
    const body = bodyParts.length > 0 ? bodyParts.join('\n\n') : undefined;
    return { title, expectedStatus: Number(/\d+$/.exec(title)?.[0]), name, method, url, headers, body };
  });
}

/** What earlier requests were answered, by their `@name`. */
export type NamedAnswers = Map<string, { readonly headers: Headers; readonly body: Record<string, string> }>;

/** Fills in `{{url}}`, `{{name.response.headers.X}}` and `{{name.response.body.x}}`. */
export function fillIn(text: string, url: string, answers: NamedAnswers): string {
  return text.replace(
    /{{(\w+)(?:\.response\.(headers|body)\.(\w+))?}}/g,
    (variable, name: string, part, property: string) => {
      if (name === 'url') return url;
      const answer = answers.get(name);
      const value = part === 'headers' ? answer?.headers.get(property) : answer?.body[property];
      if (value === undefined || value === null) throw new Error(`${variable} has no value`);
      return value;
    },
  );
}
