import { ValueCodec } from '../cache/codec/value-codec.js';

/** How payloads travel: by the default codec, as the nodes of a transaction need not have the same one for what they cache. */
export const payloads = new ValueCodec();
