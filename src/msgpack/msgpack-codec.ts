import { Packr } from 'msgpackr';
import { type Codec, CodecRefusal } from '../cache/codec/codec.js';
import { isPlainData } from '../cache/codec/plain-data.js';
import { toTagged } from '../cache/codec/tagged-data.js';
import { fromTagged } from '../cache/codec/untagged-data.js';

/** Before every text, so that no text of another codec is taken for MessagePack, nor the other way round. */
const PREFIX = '%';

/**
 * MessagePack by the package `msgpackr`: smaller than JSON where values hold many numbers, long lists of short texts, or few of the
 * characters beyond ASCII. It keeps what {@link jsonCodec} keeps, with the same limits.
 *
 * The store keeps texts, so a byte is a character (latin1), and one from 0x80 on takes two bytes on the wire and in Redis: a number that is no
 * small integer, and texts in other scripts, may become longer than in JSON. Measure with values of your own before choosing it.
 * Unlike JSON it does not keep a lone surrogate, and a property `__proto__` comes back as `__proto_`.
 */
export function msgpackCodec(): Codec {
  // Every text stands for itself: records would have to be known by all readers. Nothing points at anything else: such a text could be without end.
  const packr = new Packr({ useRecords: false, structuredClone: false, variableMapSize: true });
  return {
    name: 'msgpack',
    encode(value) {
      const data = isPlainData(value, { strict: true }) ? value : toTagged(value, true).data;
      if (data === undefined) throw new CodecRefusal('is nothing that can be cached');
      return PREFIX + packr.pack(data).toString('latin1');
    },
    decode(text) {
      const bytes = Buffer.from(text.slice(1), 'latin1');
      if (!text.startsWith(PREFIX) || bytes.toString('latin1') !== text.slice(1))
        throw new CodecRefusal('is not MessagePack');
      return fromTagged(unpack(packr, bytes));
    },
  };
}

function unpack(packr: Packr, bytes: Buffer): unknown {
  try {
    return packr.unpack(bytes) as unknown;
  } catch {
    // Among them a stack that has run out, on what is nested too deep.
    throw new CodecRefusal('is not MessagePack');
  }
}
