/** A transfer as it goes: on a terminal one line that is overwritten, at most ten times a second; else one line at its end. */
import { clipped, ERASE_LINE, type Terminal } from './terminal.ts';
import { Transfer, type TransferProgress } from './transfer.ts';

export interface ProgressLine {
  update(progress: TransferProgress): void;
  /** Leaves what came of it as a line; nothing where nothing was transferred. */
  end(): void;
}

export interface ProgressPlace {
  readonly terminal: Terminal;
  readonly write: (text: string) => void;
  /** In milliseconds, from any beginning. */
  readonly now: () => number;
}

const EVERY_MS = 100;

export function progressLine(label: string, { terminal, write, now }: ProgressPlace): ProgressLine {
  let transfer: Transfer | undefined;
  let shownAt = Number.NEGATIVE_INFINITY;
  return {
    update: (progress) => {
      const at = now();
      if (transfer) transfer.advance(progress, at);
      else transfer = new Transfer(progress, at);
      if (!terminal.isTty || at - shownAt < EVERY_MS) return;
      shownAt = at;
      write(`${ERASE_LINE}${clipped(`${label}  ${transfer.text}`, terminal.columns - 1)}`);
    },
    end: () => {
      if (transfer) write(`${terminal.isTty ? ERASE_LINE : ''}${label}  ${transfer.text}\n`);
      transfer = undefined;
    },
  };
}
