import type { Recipe } from "../pipeline/recipe.ts";
import { makeStudent } from "./student.ts";

/** Training images a class from which a student learns more than int8 keeps. */
const imagesPerClass = 500;

/** A new small network, taught by the original. */
export const student: Recipe = {
  source: "Hinton, Vinyals and Dean, Distilling the Knowledge in a Neural Network, 2015",
  judge({ images, labelled, classes }) {
    const wanted = imagesPerClass * classes;
    if (images < wanted) {
      const reason = `${images} images to train on are fewer than the ${wanted} that a new network of ${classes} classes wants`;
      return { suits: false, reason };
    }
    const teachers = labelled ? "labels and the original's answers" : "the original's answers, for want of labels";
    const reason = `${images} images to train on are enough for a new small network, which learns from ${teachers}`;
    return { suits: true, reason };
  },
  run: async (compression, name) => [await makeStudent(compression, name)],
};
