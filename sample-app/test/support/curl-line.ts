/** A request, as fetch takes it. */
export interface CurlRequest {
  readonly url: string;
  readonly init: { readonly method: string; readonly headers: Record<string, string>; readonly body?: string };
}

/**
 * Reads a curl line with the flags that the sample uses (`-i`, `-H`, `-d`), so that a test can send what people paste
 * into a shell on machines without curl. An unknown flag is an error.
 */
export function parseCurl(line: string): CurlRequest {
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  if (words.shift() !== 'curl') throw new Error(`Not a curl line: ${line}`);
  const headers: Record<string, string> = {};
  let url = '';
  let body: string | undefined;
  while (words.length > 0) {
    const word = words.shift()!;
    if (word === '-i') continue;
    if (word === '-d') body = words.shift();
    else if (word === '-H') {
      const [name = '', value = ''] = (words.shift() ?? '').split(': ');
      headers[name] = value;
    } else if (word.startsWith('-')) throw new Error(`Unknown flag ${word} in: ${line}`);
    else url = word;
  }
  return { url, init: body === undefined ? { method: 'GET', headers } : { method: 'POST', headers, body } };
}
