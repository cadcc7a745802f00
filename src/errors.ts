/**
 * The errors that twindnn raises on purpose. Anything else that escapes is a defect of ours.
 *
 * Each message says what was wrong, where, the value received, and what to do.
 */
export abstract class TwinError extends Error {
  /** Stable identifier, for programs. */
  abstract readonly code: string;
  /** The exit code of the command line: 2 for a wrong request, 1 for a request that failed. */
  readonly exitCode: 1 | 2 = 1;

  override get name(): string {
    return this.constructor.name;
  }
}

/** An option, argument or call that makes no sense, whatever the files hold. */
export class UsageError extends TwinError {
  readonly code = "usage";
  override readonly exitCode = 2;
}

/** An input file or image that cannot be used: missing, corrupt, truncated, too large, of another kind. */
export class InputError extends TwinError {
  readonly code = "input";
  /** The file or image at fault. */
  readonly file: string;

  constructor(file: string, problem: string, options?: ErrorOptions) {
    super(`${printable(file)}: ${problem}`, options);
    this.file = file;
  }
}

/** A text with its control characters escaped, so that the name of a file stays on its line and cannot steer the terminal. */
export const printable = (text: string): string =>
  text.replace(/\p{Cc}/gu, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`);

/** What is wrong with a text that is no JSON, in one line: Node's message quotes the text, line breaks included. */
export const jsonProblem = (error: unknown): string =>
  printable((error instanceof Error ? error.message : String(error)).replace(/\s+/g, " "));

/** An ONNX model that breaks the standard, or that is no image classifier. */
export class ModelError extends TwinError {
  readonly code = "model";
}

/** An operator, in a model, that the asked-for operation cannot handle. */
export class UnsupportedOperatorError extends TwinError {
  readonly code = "unsupported-operator";
  readonly operator: string;
  readonly node: string;

  constructor(operator: string, node: string, problem: string) {
    super(`operator ${operator} (node "${node}"): ${problem}`);
    this.operator = operator;
    this.node = node;
  }
}

/** A twin folder whose manifest or files cannot be trusted. */
export class ManifestError extends TwinError {
  readonly code = "manifest";
}

/** Images that do not allow the promise asked for. */
export class CalibrationError extends TwinError {
  readonly code = "calibration";
}

/** A training run that cannot go on: its loss is no longer a number. */
export class TrainingError extends TwinError {
  readonly code = "training";
}

/** A lane that could not be opened, or died more often than it may. */
export class LaneError extends TwinError {
  readonly code = "lane";
}

/** The nearest known name to a mistyped one, for messages; undefined when none is near. */
export function nearest(value: string, known: Iterable<string>): string | undefined {
  const scored = [...known].map((name) => ({ name, distance: editDistance(value.toLowerCase(), name.toLowerCase()) }));
  const best = scored.sort((a, b) => a.distance - b.distance)[0];
  return best !== undefined && best.distance <= Math.max(2, value.length / 3) ? best.name : undefined;
}

/** A sentence that refuses an unknown value and lists the known ones. */
export function unknownValue(what: string, value: string, known: readonly string[]): string {
  const guess = nearest(value, known);
  const hint = guess === undefined ? "" : ` Did you mean "${guess}"?`;
  return `unknown ${what} "${value}"; known: ${known.join(", ")}.${hint}`;
}

/** Levenshtein distance between two short strings. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(substitution, previous[j]! + 1, current[j - 1]! + 1));
    }
    previous = current;
  }
  return previous[b.length]!;
}
