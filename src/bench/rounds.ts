/** What a round measures of each contestant. */
export type Measurement<Name extends string, Sample> = (contestant: Name, round: number) => Promise<Sample>;

export interface Rounds<Name extends string, Sample> {
  /** Which contestant came when in each round. */
  readonly order: readonly (readonly Name[])[];
  /** One sample a round, for each contestant. */
  readonly samples: ReadonlyMap<Name, readonly Sample[]>;
}

export interface RoundsOptions<Name extends string, Sample> {
  /** How many; at least 1. */
  readonly rounds: number;
  readonly signal?: AbortSignal | undefined;
  /** Called after each round with everything so far; the next round waits for it. */
  readonly onRound?: ((soFar: Rounds<Name, Sample>) => Promise<void> | void) | undefined;
}

/**
 * Measures all contestants alternately: each once a round, the order turned by one place from round to round, so that
 * none is always the first or always behind the same other one's heat. Ratios are then taken within a round.
 */
export async function alternate<Name extends string, Sample>(
  contestants: readonly Name[],
  measure: Measurement<Name, Sample>,
  { rounds, signal, onRound }: RoundsOptions<Name, Sample>,
): Promise<Rounds<Name, Sample>> {
  const order: Name[][] = [];
  const samples = new Map<Name, Sample[]>(contestants.map((contestant) => [contestant, []]));
  for (let round = 0; round < rounds; round++) {
    const turned = turn(contestants, round);
    for (const contestant of turned) {
      signal?.throwIfAborted();
      samples.get(contestant)!.push(await measure(contestant, round));
    }
    order.push(turned);
    await onRound?.({ order, samples });
  }
  return { order, samples };
}

/** The list beginning at place `by`, and going on at its start. */
function turn<T>(list: readonly T[], by: number): T[] {
  const start = by % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}
