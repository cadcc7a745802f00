import type { ImageItem, ImageSource } from "../types.ts";

/** A source within a longer one. */
export interface Part {
  readonly source: ImageSource;
  /** Put before the names of its images, so that names stay unique. */
  readonly prefix: string;
}

/** Several sources one after the other; labelled when all have the same classes. */
export function concatenate(name: string, parts: readonly Part[]): ImageSource {
  const sources = parts.map(({ source }) => source);
  const classes = sources.every((source) => sameNames(source.classes, sources[0]?.classes))
    ? sources[0]?.classes
    : undefined;
  const count = sources.reduce<number | undefined>(
    (total, source) => (total === undefined || source.count === undefined ? undefined : total + source.count),
    0,
  );
  return {
    name,
    ...(classes && { classes }),
    ...(count !== undefined && { count }),
    async *[Symbol.asyncIterator]() {
      for (const { source, prefix } of parts) {
        for await (const item of source) yield renamed(item, prefix + item.name, classes !== undefined);
      }
    },
  };
}

function sameNames(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  return (
    a === b || (a !== undefined && b !== undefined && a.length === b.length && a.every((name, i) => name === b[i]))
  );
}

function renamed(item: ImageItem, name: string, labelled: boolean): ImageItem {
  return { name, ...(labelled && item.label !== undefined && { label: item.label }), read: () => item.read() };
}
