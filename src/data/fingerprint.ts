import { createHash } from "node:crypto";
import type { Planes } from "./types.ts";

/**
 * A short name for what a network reads: the first 48 bits of SHA-256, as 8 characters of base64url. Among 10,000 images two
 * different ones share it with a probability of 2e-7.
 */
export function fingerprint(planes: Planes): string {
  return createHash("sha256").update(planes).digest().subarray(0, 6).toString("base64url");
}

/** One hash for a set of images, whatever their order: SHA-256 (hex) over the sorted fingerprints. */
export function partHash(fingerprints: Iterable<string>): string {
  const hash = createHash("sha256");
  for (const each of [...fingerprints].sort()) hash.update(each).update("\n");
  return hash.digest("hex");
}

/** The fingerprints that two sets of images share: disjoint parts share none. */
export function overlap(a: Iterable<string>, b: Iterable<string>): string[] {
  const known = new Set(a);
  return [...new Set(b)].filter((each) => known.has(each));
}
