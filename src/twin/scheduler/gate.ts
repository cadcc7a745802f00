/** Where one waiter waits until somebody opens; opening with nobody there does nothing. */
export class Gate {
  #open: (() => void) | undefined;

  passed(): Promise<void> {
    return new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  open(): void {
    this.#open?.();
    this.#open = undefined;
  }
}
