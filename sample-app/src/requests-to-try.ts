/** Three requests for a fresh box office, to be pasted into a shell: what is on, keep a seat, buy it. */
export function requestsToTry(url: string): readonly string[] {
  const json = `-H 'Content-Type: application/json'`;
  return [
    `curl -i ${url}/events/gala`,
    `curl -i ${url}/seats/gala-7/hold ${json} -d '{"buyer":"ada"}'`,
    `curl -i ${url}/orders ${json} -d '{"buyer":"ada","seatId":"gala-7"}'`,
  ];
}
