/** Means of loss and accuracy over the steps since the last look. */
export class Average {
  #loss = 0;
  #accuracy = 0;
  #count = 0;

  add({ loss, accuracy }: { loss: number; accuracy: number }): void {
    this.#loss += loss;
    this.#accuracy += accuracy;
    this.#count++;
  }

  take(): { loss: number; accuracy: number } {
    const means = { loss: this.#loss / this.#count, accuracy: this.#accuracy / this.#count };
    this.#loss = this.#accuracy = this.#count = 0;
    return means;
  }
}
