/**
 * Path and query of a request in one spelling, so that what means the same to every handler has one key: escapes are those of `encodeURIComponent`,
 * parameters are sorted by name. Those of one name keep their order, and so do `a`, `a[]` and `a[b]`, of which some parsers make one list.
 *
 * Undefined where routers and parsers differ in what they read: with a malformed escape, a `#`, or a `;` in the path. Two requests that a handler
 * can tell apart must not share a key, and these do not come from a browser.
 *
 * @param url as the client sent it
 */
export function canonicalUrl(url: string): string | undefined {
  const end = url.indexOf('?');
  const [path, query] = end === -1 ? [url, ''] : [url.slice(0, end), url.slice(end + 1)];
  if (url.includes('#') || path.includes(';')) return undefined;
  try {
    const respelt = path
      .split('/')
      .map((segment) => respell(segment))
      .join('/');
    const parameters = canonicalQuery(query);
    return parameters === '' ? respelt : `${respelt}?${parameters}`;
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

function canonicalQuery(query: string): string {
  return query
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const [, name = '', value] = /^([^=]*)(?:=(.*))?$/s.exec(part.replaceAll('+', '%20')) ?? [];
      const text = value === undefined ? respell(name) : `${respell(name)}=${respell(value)}`;
      return { list: decodeURIComponent(name).split(/[[.]/, 1)[0] ?? '', text };
    })
    .sort((a, b) => (a.list < b.list ? -1 : Number(a.list > b.list)))
    .map(({ text }) => text)
    .join('&');
}

/** One spelling for each text. @throws URIError for a malformed escape */
function respell(text: string): string {
  return encodeURIComponent(decodeURIComponent(text));
}
