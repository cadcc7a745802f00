import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import { UsageError } from "../errors.ts";
import type { Batch } from "./batch.ts";
import type { Loss } from "./losses.ts";

/** Mixes each image with another of its batch. */
export interface Mixup {
  /** The shares are drawn from Beta(alpha, alpha): 1 mixes evenly, small numbers seldom mix much. */
  readonly alpha: number;
  /**
   * Mixes the labels too; default false, which needs a teacher that answers the mixed image. Mixed labels cost the network
   * its sense of which answers are unsure (Zhu et al., "Rethinking confidence calibration for failure prediction", ECCV 2022),
   * and a twin lives on that.
   */
  readonly labels?: boolean;
}

/** Throws UsageError where nothing true could be taught about a mixed image. */
export function checkMixup({ alpha, labels = false }: Mixup, loss: Loss, hasTeacherNetwork: boolean): void {
  if (!(alpha > 0)) throw new UsageError(`mixup's alpha must be above 0, received ${alpha}`);
  if (loss.needsTeacher && !hasTeacherNetwork) {
    throw new UsageError("mixup needs a teacher that answers mixed images: give its network, not its logits");
  }
  if (loss.needsLabels && !labels) {
    throw new UsageError(
      "mixing labels makes confidence worse at telling wrong answers; use a loss without labels, or ask for it with mixup.labels",
    );
  }
}

/**
 * Each image times its share plus the next image times the rest, rounded to bytes. Shares are at least a half, so that an
 * image's own label stays the first.
 *
 * Source: Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018.
 */
export function mixBatch(batch: Batch, { alpha }: Mixup, random: RandomGenerator): Batch {
  const count = batch.labels.length;
  const size = batch.images.length / count;
  const shares = Float32Array.from({ length: count }, () => largerShare(alpha, random));
  const next = (i: number): number => (i + 1) % count;
  const images = new Uint8Array(batch.images.length);
  for (let i = 0; i < count; i++) {
    const [own, other, share] = [i * size, next(i) * size, shares[i]!];
    for (let k = 0; k < size; k++) {
      const second = batch.images[other + k]!;
      images[own + k] = Math.round(second + share * (batch.images[own + k]! - second));
    }
  }
  return { ...batch, images, mixed: { labels: batch.labels.map((_, i) => batch.labels[next(i)]!), shares } };
}

/** The larger of b and 1 - b with b from Beta(alpha, alpha), drawn by Jöhnk's method (1964). */
function largerShare(alpha: number, random: RandomGenerator): number {
  for (;;) {
    const [x, y] = [uniformFloat64(random) ** (1 / alpha), uniformFloat64(random) ** (1 / alpha)];
    if (x + y > 0 && x + y <= 1) return Math.max(x, y) / (x + y);
  }
}
