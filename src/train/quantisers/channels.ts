/** For each element along one axis of row-major data, the mean of `of` over the other axes. */
export function channelMeans(
  data: ArrayLike<number>,
  dims: readonly number[],
  axis: number,
  of: (value: number, channel: number) => number | undefined,
): Float32Array {
  const channels = dims[axis]!;
  const [sums, counts] = [new Float64Array(channels), new Float64Array(channels)];
  const channelOf = channelIndex(dims, axis);
  for (let i = 0; i < data.length; i++) {
    const channel = channelOf(i);
    const value = of(data[i]!, channel);
    if (value === undefined) continue;
    sums[channel]! += value;
    counts[channel]! += 1;
  }
  return Float32Array.from(sums, (sum, channel) => (counts[channel] === 0 ? 0 : sum / counts[channel]!));
}

/** For each element along one axis of row-major data, the largest magnitude over the other axes. */
export function channelLargest(data: ArrayLike<number>, dims: readonly number[], axis: number): Float32Array {
  const largest = new Float32Array(dims[axis]!);
  const channelOf = channelIndex(dims, axis);
  for (let i = 0; i < data.length; i++) {
    const channel = channelOf(i);
    largest[channel] = Math.max(largest[channel]!, Math.abs(data[i]!));
  }
  return largest;
}

/** The position along `axis` of a flat index. */
export function channelIndex(dims: readonly number[], axis: number): (at: number) => number {
  const stride = dims.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  return (at) => Math.floor(at / stride) % dims[axis]!;
}
