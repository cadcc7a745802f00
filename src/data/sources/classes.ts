import { stat } from "node:fs/promises";
import { join } from "node:path";
import { InputError } from "../../errors.ts";
import { readLabels } from "../labels.ts";
import { byName } from "./format.ts";

/**
 * The classes of folders: their sorted names, or `labels`, which must then hold each of them once.
 *
 * @throws InputError that lists the folders that `labels` does not hold
 */
export function classesOfFolders(names: Iterable<string>, labels: readonly string[] | undefined, where: string) {
  const sorted = [...new Set(names)].sort(byName);
  if (labels === undefined) return sorted;
  const strangers = sorted.filter((name) => labels.filter((label) => label === name).length !== 1);
  if (strangers.length > 0) {
    throw new InputError(
      where,
      `${strangers.length} of ${sorted.length} class folders do not stand in the labels (once): ${list(strangers)}; ` +
        `the labels are ${list(labels)}. Rename the folders, or give the labels file that belongs to these images`,
    );
  }
  return labels;
}

/**
 * The classes of numbered labels: `labels`, or else the numbers themselves.
 *
 * @param highest the largest label that occurs
 * @throws InputError when `labels` are too few
 */
export function classesOfNumbers(highest: number, labels: readonly string[] | undefined, where: string) {
  if (labels === undefined) return Array.from({ length: highest + 1 }, (_, index) => String(index));
  if (highest >= labels.length) {
    throw new InputError(
      where,
      `holds label ${highest}, but there are ${labels.length} class names (0 to ${labels.length - 1})`,
    );
  }
  return labels;
}

/** The names in a folder's `classes.txt`, in label order; undefined when there is none. */
export async function namesIn(folder: string): Promise<readonly string[] | undefined> {
  const path = join(folder, "classes.txt");
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ? readLabels(path) : undefined;
}

/** The first few of a list, quoted. */
export function list(values: readonly string[], limit = 8): string {
  const shown = values.slice(0, limit).map((value) => `"${value}"`);
  return values.length > limit ? `${shown.join(", ")}, ... (${values.length})` : shown.join(", ");
}
