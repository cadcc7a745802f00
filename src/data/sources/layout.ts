import { InputError } from "../../errors.ts";
import { classesOfFolders } from "./classes.ts";
import { type OpenOptions, type Split, splits } from "./format.ts";

/** How the folders below a root tell the classes of the images in them. */
export interface Layout {
  /** Absent when the folders tell none. */
  readonly classes?: readonly string[];
  /** Whether the images of a folder (`a/b`, or `` for the root itself) belong. */
  includes(folder: string): boolean;
  /** The label of a folder's images. */
  label(folder: string): number | undefined;
}

/** Folder names under which published data sets keep their parts. */
const splitFolders: Readonly<Record<string, Split>> = {
  train: "train",
  training: "train",
  test: "test",
  testing: "test",
  val: "val",
  valid: "val",
  validation: "val",
};

/**
 * Reads the layout off folder names, `/` between them. Wrappers (a single folder that holds the class folders) and the
 * folder of a split are stepped into; then each folder is a class, an empty one too. Images have no label where some lie
 * beside the folders, and in one folder only, unless `labels` names it.
 *
 * @param withImages folders that hold images themselves
 * @param all these and all others
 */
export function layoutOf(
  withImages: readonly string[],
  all: readonly string[],
  options: OpenOptions,
  where: string,
): Layout {
  const root = findRoot(withImages, options.split, where);
  const includes = (folder: string): boolean => below(folder, root) !== undefined;
  const names = firstNames(withImages, root);
  if (names.has("") || (names.size === 1 && !options.labels?.includes([...names][0]!))) {
    return { includes, label: () => undefined };
  }
  const siblings = [...firstNames(all, root)].filter(Boolean);
  const classes = classesOfFolders(siblings, options.labels, where);
  const index = new Map(classes.map((name, label) => [name, label]));
  return { classes, includes, label: (folder) => index.get(firstName(folder, root) ?? "") };
}

function findRoot(folders: readonly string[], split: Split | undefined, where: string): string {
  let root = "";
  let found: Split | undefined;
  for (;;) {
    const names = [...firstNames(folders, root)];
    const next = names.every((name) => Object.hasOwn(splitFolders, name))
      ? chooseSplit(names, split, where)
      : wrapper(folders, names, root);
    if (next === undefined) break;
    found ??= splitFolders[next];
    root = root === "" ? next : `${root}/${next}`;
  }
  if (split !== undefined && found !== split) throw new InputError(where, `has no part "${split}"`);
  return root;
}

/** The only folder at this level, when there are folders below it. */
function wrapper(folders: readonly string[], names: readonly string[], root: string): string | undefined {
  const [name] = names;
  if (names.length !== 1 || name === undefined || name === "") return undefined;
  const inside = root === "" ? name : `${root}/${name}`;
  return folders.includes(inside) ? undefined : name;
}

function chooseSplit(names: readonly string[], split: Split | undefined, where: string): string | undefined {
  if (split !== undefined) return names.find((name) => splitFolders[name] === split);
  if (names.length === 1) return names[0];
  return refuseSplit(
    where,
    names.map((name) => splitFolders[name]!),
  );
}

/** Says that a data set holds several parts. */
export function refuseSplit(where: string, found: readonly Split[]): never {
  const order = splits.filter((split) => found.includes(split));
  throw new InputError(where, `holds several parts (${order.join(", ")}); say which one: --split ${order.join("|")}`);
}

function firstNames(folders: readonly string[], root: string): Set<string> {
  return new Set(folders.map((folder) => firstName(folder, root)).filter((name) => name !== undefined));
}

/** The first name of `folder` below `root`: empty for the root itself, undefined outside of it. */
function firstName(folder: string, root: string): string | undefined {
  return below(folder, root)?.split("/", 1)[0];
}

function below(folder: string, root: string): string | undefined {
  if (root === "") return folder;
  if (folder === root) return "";
  return folder.startsWith(`${root}/`) ? folder.slice(root.length + 1) : undefined;
}
