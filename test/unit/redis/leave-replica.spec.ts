import { describe, expect, it } from '@jest/globals';
import { leaveReplica } from '../../../src/redis/connection/leave-replica.js';

const READONLY = new Error("READONLY You can't write against a read only replica.");

describe('a connection whose server became a replica', () => {
  it('is given up once, however many commands of a moment it refuses', () => {
    const reconnect = leaveReplica(undefined);
    expect([reconnect(READONLY), reconnect(READONLY), reconnect(READONLY)]).toEqual([true, false, false]);
  });

  it('is given up by each client for itself', () => {
    expect([leaveReplica(undefined)(READONLY), leaveReplica(null)(READONLY)]).toEqual([true, true]);
  });

  it('leaves other errors to the option of the user, and never sends again', () => {
    const reconnect = leaveReplica(({ message }) => (message === 'mine' ? 2 : false));
    expect([reconnect(new Error('mine')), reconnect(new Error('WRONGTYPE'))]).toEqual([true, false]);
  });
});
