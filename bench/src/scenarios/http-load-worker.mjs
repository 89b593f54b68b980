import autocannon from 'autocannon';

const IDS = 100_000;

/** Sends requests from a process of its own, over connections that stay open. */
export async function open() {
  let next = 0;
  const path = () => `/items/${next++ % IDS}`;
  return {
    /** For `seconds`, or `amount` requests. @param {{ url: string, connections: number, seconds?: number, amount?: number }} config */
    async round({ url, connections, seconds, amount }) {
      const result = await autocannon({
        url,
        connections,
        ...(amount === undefined ? { duration: seconds } : { amount }),
        sampleInt: 100,
        requests: [{ method: 'POST', setupRequest: (request) => ({ ...request, path: path() }) }],
      });
      if (result.non2xx > 0 || result.errors > 0) throw new Error(`${result.non2xx + result.errors} requests failed`);
      return {
        requests: result['2xx'],
        tookMs: result.finish - result.start,
        p50Ms: result.latency.p50,
        p99Ms: result.latency.p99,
      };
    },
    /** One request after the other. @param {{ url: string, count: number }} config */
    async oneByOne({ url, count }) {
      for (let i = 0; i < count; i += 1) {
        const answer = await fetch(`${url}${path()}`, { method: 'POST' });
        if (!answer.ok) throw new Error(`the answer is ${answer.status}`);
        await answer.text();
      }
    },
    close: async () => undefined,
  };
}
