import { type Dataset, mirrored, type TeacherLogits } from "../../train/index.ts";
import { topClasses } from "../../twin/index.ts";
import { originalAnswers } from "./answers.ts";
import type { Compression } from "./context.ts";

/**
 * A run of fewer seconds does without the original's answers to mirrored images: those to the images as they are stand for
 * them. For ResNet-56 and 45,000 images of 32 x 32 that is a minute and a half, a tenth of a quarter of an hour, in which
 * the student sees the images one or two times more.
 */
const mirrorsWorth = 3600;

/** The original's logits on the training images and, where training mirrors, for their mirror images. */
export async function teacherLogits(compression: Compression): Promise<TeacherLogits> {
  const { training, flip, budget } = compression;
  const { data: plain, classes } = await originalAnswers("teacher", training, compression);
  if (!flip) return { classes, plain };
  if (budget < mirrorsWorth) return { classes, plain, mirrored: plain };
  const { data } = await originalAnswers("teacher, mirrored", mirrored(training), compression);
  return { classes, plain, mirrored: data };
}

/** The images with what the original says of them; without true labels, its answers stand for them. */
export function taught(data: Dataset, teacher: TeacherLogits, labelled: boolean): Dataset {
  if (labelled) return { ...data, teacher };
  const { plain, classes } = teacher;
  const labels = Uint16Array.from(topClasses({ data: plain, count: data.labels.length, classes }));
  return { ...data, labels, teacher };
}
