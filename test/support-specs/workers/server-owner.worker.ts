import { startRedisServer } from '../../support/servers/redis-server.js';

export const calls = {
  async startAndPause(): Promise<{ port: number; folder: string }> {
    const server = await startRedisServer();
    server.pause();
    return { port: server.port, folder: server.folder };
  },
};
