/** A code of two bits is -1, 0 or 1 in two's complement. */
const codesInByte = 4;

/** Bytes that so many codes take. */
export const packedSize = (codes: number, bits: 2 | 8): number => (bits === 8 ? codes : Math.ceil(codes / codesInByte));

/** Codes as bytes: one each, or four, the first in the lowest bits. */
export function pack(codes: Int8Array, bits: 2 | 8): Uint8Array {
  if (bits === 8) return new Uint8Array(codes.buffer, codes.byteOffset, codes.length);
  const bytes = new Uint8Array(packedSize(codes.length, bits));
  for (const [i, code] of codes.entries()) bytes[i >> 2]! |= (code & 3) << (2 * (i & 3));
  return bytes;
}

/** The codes of {@link pack}. */
export function unpack(bytes: Uint8Array, count: number, bits: 2 | 8): Int8Array {
  if (bits === 8) return new Int8Array(bytes.subarray(0, count));
  return Int8Array.from({ length: count }, (_, i) => ((bytes[i >> 2]! >> (2 * (i & 3))) << 30) >> 30);
}
