import { hashTag } from './key-space.js';

const POLYNOMIAL = 0x1021;
/** Of every cluster. */
export const SLOTS = 16_384;

const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ POLYNOMIAL;
  return crc;
});

/** The cluster slot of a server key: CRC16 (XMODEM) of its hash tag modulo 16384 (Redis Cluster specification). */
export function hashSlot(serverKey: string): number {
  let crc = 0;
  for (const byte of Buffer.from(hashTag(serverKey))) {
    crc = ((crc << 8) ^ (TABLE[(crc >> 8) ^ byte] ?? 0)) & 0xffff;
  }
  return crc % SLOTS;
}
