/**
 * Watching a promise live. Some of the twin's kept answers are audited: the original answers them too. After any number
 * of audits, however often one looks, the probability of ever raising a false alarm is delta at most.
 *
 * Wealth starts at 1 and is multiplied by `1 + g (D - alpha)`, D = 1 where the audited answer differs, else 0; it is an
 * e-process while differing has probability alpha at most. The bet `g = (p - alpha) / (alpha (1 - alpha))` makes the factor
 * the likelihood ratio of p to alpha, p a fading average of the audits before: a shift after a long good time is noticed, too.
 *
 * Source: A. Podkopaev, A. Ramdas, "Tracking the risk of a deployed model and detecting harmful distribution shifts", ICLR
 * 2022; Waudby-Smith & Ramdas 2023 for the bets.
 */
export interface Audit {
  /** Share of differing answers that is allowed. */
  readonly alpha: number;
  /** Probability of ever raising a false alarm. */
  readonly delta: number;
  readonly audited: number;
  readonly differing: number;
  /** Natural logarithm of the wealth now. */
  readonly logWealth: number;
  /** Fading average of the audits so far: what the next bet is on. */
  readonly average: number;
  /** Whether wealth has ever reached 1 / delta; stays so. */
  readonly alarm: boolean;
}

/** The fading average remembers as many audits as bring about this many differing answers while alpha holds. */
const memory = 4;

/** The average at the start, in units of alpha. */
const suspicion = 1.5;

/** An audit before its first answer. `alpha` and `delta` in (0, 1). */
export function startAudit(alpha: number, delta: number): Audit {
  return { alpha, delta, audited: 0, differing: 0, logWealth: 0, average: suspicion * alpha, alarm: false };
}

/** The audit after one more answer. The state is plain data: store it, and go on after a restart. */
export function recordAudit(audit: Audit, differs: boolean): Audit {
  const { alpha, delta, average } = audit;
  const suspected = Math.min(Math.max(average, alpha), (1 + alpha) / 2);
  const ratio = differs ? suspected / alpha : (1 - suspected) / (1 - alpha);
  const logWealth = audit.logWealth + Math.log(ratio);
  return {
    alpha,
    delta,
    audited: audit.audited + 1,
    differing: audit.differing + (differs ? 1 : 0),
    logWealth,
    average: average + (alpha / memory) * ((differs ? 1 : 0) - average),
    alarm: audit.alarm || logWealth >= -Math.log(delta),
  };
}

/**
 * Audits that it takes on average to notice that answers differ with probability p > alpha, at best: by the bets of one who
 * knows p.
 */
export function auditDelay(p: number, alpha: number, delta: number): number {
  return -Math.log(delta) / (p * Math.log(p / alpha) + (1 - p) * Math.log((1 - p) / (1 - alpha)));
}
