/** Disjoint sets of the integers 0 to size - 1, with union by size and path halving (Tarjan & van Leeuwen 1984). */
export class UnionFind {
  readonly #parent: Int32Array;
  readonly #size: Int32Array;

  constructor(size: number) {
    this.#parent = Int32Array.from({ length: size }, (_, at) => at);
    this.#size = new Int32Array(size).fill(1);
  }

  /** The integer that stands for the set of `item`. */
  find(item: number): number {
    const parent = this.#parent;
    let at = item;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at]!]!;
      at = parent[at]!;
    }
    return at;
  }

  /** Makes one set of two; returns the integer that stands for it. */
  union(a: number, b: number): number {
    const [first, second] = [this.find(a), this.find(b)];
    if (first === second) return first;
    const [large, small] = this.#size[first]! < this.#size[second]! ? [second, first] : [first, second];
    this.#parent[small] = large;
    this.#size[large]! += this.#size[small]!;
    return large;
  }
}
