/** From the link, which waits, to what looks after open gates, which is loaded with the first work. */
export class TrustHints {
  #listener: () => void = () => {};

  listen(listener: () => void): void {
    this.#listener = listener;
  }

  tell(): void {
    this.#listener();
  }
}
