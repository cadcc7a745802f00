import { Declined } from "./declined.ts";

// Constants of the 8-point transform with 11 multiplications, in 13 fractional bits: C. Loeffler, A. Ligtenberg,
// G. Moschytz, "Practical fast 1-D DCT algorithms with 11 multiplications", ICASSP 1989.
const bits = 13;
const fixed = (value: number): number => Math.round(value * (1 << bits));
const f0298 = fixed(0.298631336);
const f0390 = fixed(0.390180644);
const f0541 = fixed(0.5411961);
const f0765 = fixed(0.765366865);
const f0899 = fixed(0.899976223);
const f1175 = fixed(1.175875602);
const f1501 = fixed(1.50132111);
const f1847 = fixed(1.847759065);
const f1961 = fixed(1.96157056);
const f2053 = fixed(2.053119869);
const f2562 = fixed(2.562915447);
const f3072 = fixed(3.072711026);

/** Fractional bits kept between the passes. */
const middleBits = 2;
const columns = new Int32Array(64);
const row = new Int32Array(8);

/**
 * The inverse cosine transform of a block of dequantised coefficients (row-major), with the fixed-point arithmetic and
 * rounding of the Independent JPEG Group's accurate integer method, which libjpeg-turbo and so Pillow and libvips use.
 * Writes 8 x 8 samples to `out`, the first at `at`, rows `stride` apart. Throws Declined when a sample is so far out of
 * range that implementations differ: no encoder makes such blocks.
 */
export function inverseTransform(block: Int32Array, out: Uint8Array, at: number, stride: number): void {
  for (let x = 0; x < 8; x++) transform(block, x, 8, columns, x, 8, bits - middleBits);
  let range = 0;
  for (let y = 0; y < 8; y++) {
    transform(columns, 8 * y, 1, row, 0, 1, bits + middleBits + 3);
    const start = at + y * stride;
    for (let x = 0; x < 8; x++) {
      range |= row[x]! + 512;
      out[start + x] = sample(row[x]!);
    }
  }
  if ((range & ~1023) !== 0) throw new Declined();
}

/** What a block that only has a mean becomes: `mean` dequantised. Arguments and errors as of inverseTransform. */
export function fillBlock(mean: number, out: Uint8Array, at: number, stride: number): void {
  const value = (mean + 4) >> 3;
  if (((value + 512) & ~1023) !== 0) throw new Declined();
  for (let y = 0; y < 8; y++) out.fill(sample(value), at + y * stride, at + y * stride + 8);
}

/** Samples are centred on 128. */
function sample(value: number): number {
  const shifted = value + 128;
  return shifted < 0 ? 0 : Math.min(shifted, 255);
}

/** Eight values `step` apart, each result rounded down by `shift` bits to the nearest. */
function transform(
  from: Int32Array,
  first: number,
  step: number,
  to: Int32Array,
  target: number,
  stride: number,
  shift: number,
): void {
  const s0 = from[first]!;
  const s1 = from[first + step]!;
  const s2 = from[first + 2 * step]!;
  const s3 = from[first + 3 * step]!;
  const s4 = from[first + 4 * step]!;
  const s5 = from[first + 5 * step]!;
  const s6 = from[first + 6 * step]!;
  const s7 = from[first + 7 * step]!;
  const half = 1 << (shift - 1);

  if ((s1 | s2 | s3 | s4 | s5 | s6 | s7) === 0) {
    const constant = ((s0 << bits) + half) >> shift;
    for (let i = 0; i < 8; i++) to[target + i * stride] = constant;
    return;
  }

  const even = (s2 + s6) * f0541;
  const e2 = even - s6 * f1847;
  const e3 = even + s2 * f0765;
  const e0 = ((s0 + s4) << bits) + half;
  const e1 = ((s0 - s4) << bits) + half;
  const t0 = e0 + e3;
  const t3 = e0 - e3;
  const t1 = e1 + e2;
  const t2 = e1 - e2;

  const all = (s7 + s3 + s5 + s1) * f1175;
  const z1 = -(s7 + s1) * f0899;
  const z2 = -(s5 + s3) * f2562;
  const z3 = all - (s7 + s3) * f1961;
  const z4 = all - (s5 + s1) * f0390;
  const o0 = s7 * f0298 + z1 + z3;
  const o1 = s5 * f2053 + z2 + z4;
  const o2 = s3 * f3072 + z2 + z3;
  const o3 = s1 * f1501 + z1 + z4;

  to[target] = (t0 + o3) >> shift;
  to[target + stride] = (t1 + o2) >> shift;
  to[target + 2 * stride] = (t2 + o1) >> shift;
  to[target + 3 * stride] = (t3 + o0) >> shift;
  to[target + 4 * stride] = (t3 - o0) >> shift;
  to[target + 5 * stride] = (t2 - o1) >> shift;
  to[target + 6 * stride] = (t1 - o2) >> shift;
  to[target + 7 * stride] = (t0 - o3) >> shift;
}
