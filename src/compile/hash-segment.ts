/**
 * A 128-bit key of all that a session is made of. Weights are hashed with four multiply-rotate lanes in the manner of
 * MurmurHash3 (x86, 128 bits): not cryptographic, but a gigabyte a second without native code, where SHA takes four
 * times as long.
 * @see https://github.com/aappleby/smhasher/wiki/MurmurHash3
 */
import { createHash } from 'node:crypto';
import type { ElementArray, Segment } from './segment.ts';
import { skeletonOf, type Generality } from './skeleton.ts';

function hashWords(words: Uint32Array): string {
  let [a, b, c, d] = [0x8f1bbcdc, 0xca62c1d6, 0x6ed9eba1, 0x5a827999];
  const last = words.length - (words.length % 4);
  for (let index = 0; index < last; index += 4) {
    a = Math.imul(a ^ Math.imul(words[index]!, 0x239b961b), 5);
    a = ((a << 19) | (a >>> 13)) + b;
    b = Math.imul(b ^ Math.imul(words[index + 1]!, 0xab0e9789), 5);
    b = ((b << 17) | (b >>> 15)) + c;
    c = Math.imul(c ^ Math.imul(words[index + 2]!, 0x38b34ae5), 5);
    c = ((c << 15) | (c >>> 17)) + d;
    d = Math.imul(d ^ Math.imul(words[index + 3]!, 0xa1e38b93), 5);
    d = ((d << 13) | (d >>> 19)) + a;
  }
  for (let index = last; index < words.length; index++) a = Math.imul(a ^ words[index]!, 0x85ebca6b) + b;
  return [a, b, c, d].map((lane) => (lane >>> 0).toString(16)).join('.');
}

const wordBytes = 4;
/** Arrays of up to so many bytes are their own hash. */
const smallBytes = 16;

/** From here on, hashes are remembered: the weights of a model are part of a graph for each size of its input. */
const largeBytes = 4096;
const largeHashes = new WeakMap<ElementArray, string>();

/** Hash of an array's bytes, which never change. */
export function hashArray(data: ElementArray): string {
  const { buffer, byteOffset, byteLength } = data;
  if (byteLength <= smallBytes) return Buffer.from(buffer, byteOffset, byteLength).toString('hex');
  if (byteLength < largeBytes) return hashBytes(data);
  let hash = largeHashes.get(data);
  if (hash === undefined) largeHashes.set(data, (hash = hashBytes(data)));
  return hash;
}

function hashBytes(data: ElementArray): string {
  const { buffer, byteOffset, byteLength } = data;
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  const isAligned = data.byteOffset % wordBytes === 0;
  const whole = data.byteLength - (data.byteLength % wordBytes);
  const aligned = isAligned ? bytes : bytes.slice();
  const words = new Uint32Array(aligned.buffer, aligned.byteOffset, whole / wordBytes);
  return `${data.byteLength}:${hashWords(words)}:${Buffer.from(aligned.subarray(whole)).toString('hex')}`;
}

/** @param settings everything else that makes sessions differ: versions, options, processor. */
export function hashSegment(segment: Segment, generality: Generality, settings: string): string {
  const hash = createHash('sha256').update(settings).update(skeletonOf(segment));
  hash.update(JSON.stringify(generality));
  for (const [index, constant] of segment.constants.entries()) {
    hash.update(constant.dims.join());
    if (generality.freeConstants[index] !== true) hash.update(hashArray(constant.data));
  }
  return hash.digest('hex').slice(0, 32);
}
