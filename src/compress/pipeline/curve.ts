import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { unwritable } from "../../files.ts";
import type { Model } from "../../onnx/index.ts";
import { accuracyOf, logitsOf, type Progress, subset } from "../../train/index.ts";
import { topClasses } from "../../twin/index.ts";
import type { Compression } from "./context.ts";
import type { WorkFolder } from "./work-folder.ts";

/** Where a training stood at a step: its loss, or what the network was worth. */
export interface TrainingPoint {
  readonly step: number;
  /** Mean over the steps since the loss before. */
  readonly loss?: number;
  /** Share of selection images on which the network gives the original's class. */
  readonly agreement?: number;
  /** On selection images; present with labels. */
  readonly accuracy?: number;
}

/** The course of a training from its first step on, interrupted or not. */
export interface TrainingCurve {
  readonly network: string;
  readonly points: readonly TrainingPoint[];
}

/** Losses and judgements in a whole training, about: enough to draw. */
const losses = 200;
const judgements = 20;
/** Selection images that judge a network in training. */
const judgingImages = 1000;

const ending = ".curve.jsonl";

/** What a curve is drawn from. */
export type CurveSubject = Pick<
  Compression,
  "work" | "selection" | "originalLogits" | "labelled" | "normalisation" | "threads"
>;

/** Keeps the course of a training in the work folder, a line a point, so that a training that goes on continues its curve. */
export class CurveRecorder {
  readonly #file: string;
  readonly #subject: CurveSubject;
  #step = 0;
  #steps = 0;
  #unwritten: number[] = [];

  constructor(network: string, subject: CurveSubject) {
    this.#file = subject.work.file(`${network}${ending}`);
    this.#subject = subject;
  }

  /** Takes a step. What an interrupted training did beyond its last checkpoint is done again, and forgotten here. */
  advance({ step, steps, loss }: Pick<Progress, "step" | "steps" | "loss">): void {
    if (this.#step === 0) this.#forgetFrom(step);
    [this.#step, this.#steps] = [step, steps];
    this.#unwritten.push(loss);
    if (!isDue(step, steps, losses)) return;
    this.#append({ step, loss: this.#unwritten.reduce((a, b) => a + b, 0) / this.#unwritten.length });
    this.#unwritten = [];
  }

  /** Judges the network after an epoch, where that is due. */
  async judge(epoch: number, network: () => Promise<Model>): Promise<void> {
    const epochs = Math.round((epoch * this.#steps) / this.#step);
    if (!isDue(epoch, epochs, judgements)) return;
    const { selection, originalLogits, labelled, normalisation, threads } = this.#subject;
    const few = subset(selection, [...selection.labels.keys()].slice(0, judgingImages));
    const logits = await logitsOf(await network(), few, { normalisation, threads });
    const agreement = accuracyOf(logits, topClasses(originalLogits).subarray(0, few.labels.length));
    const accuracy = labelled ? { accuracy: accuracyOf(logits, few.labels) } : {};
    this.#append({ step: this.#step, agreement, ...accuracy });
  }

  #forgetFrom(step: number): void {
    const kept = pointsIn(this.#file).filter((point) => point.step < step);
    this.#write(() => writeFileSync(this.#file, kept.map(lineOf).join("")));
  }

  #append(point: TrainingPoint): void {
    this.#write(() => appendFileSync(this.#file, lineOf(point)));
  }

  #write(write: () => void): void {
    try {
      write();
    } catch (cause) {
      throw unwritable(this.#file, cause);
    }
  }
}

/** Whether a point is due after `done` of `total`, when about `times` are wanted; the last always is. */
const isDue = (done: number, total: number, times: number): boolean =>
  done === total || done % Math.ceil(total / times) === 0;

const lineOf = (point: TrainingPoint): string => `${JSON.stringify(point)}\n`;

/** The points of a file; a last line that was cut off is none. */
function pointsIn(file: string): TrainingPoint[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as TrainingPoint);
}

/** The curves of all trainings of a run. */
export const readCurves = (work: WorkFolder): TrainingCurve[] =>
  work.names(ending).map((network) => ({ network, points: pointsIn(work.file(`${network}${ending}`)) }));
