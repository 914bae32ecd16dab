/** What an agent says of itself, as events that can be waited for. */
import { type Logger, pino } from 'pino';

export type Happening =
  | { readonly is: 'refused'; readonly directive: number; readonly code: string; readonly reason: string }
  | { readonly is: 'run-rests'; readonly run: string; readonly phase: string }
  | { readonly is: 'tried-in-vain'; readonly reason: string }
  | { readonly is: 'link'; readonly state: string }
  | { readonly is: 'trouble'; readonly reason: string }
  | { readonly is: 'waiting' }
  /** A message of the host arrived at the control plane. */
  | { readonly is: 'heard'; readonly body: string; readonly ack: number }
  | { readonly is: 'agent-died'; readonly reason: string };

export class Happenings {
  readonly all: Happening[] = [];
  #wake: (() => void)[] = [];

  /** Where the list ends now: what comes later is news. */
  get mark(): number {
    return this.all.length;
  }

  tell(happening: Happening): void {
    this.all.push(happening);
    const sleepers = this.#wake;
    this.#wake = [];
    for (const wake of sleepers) wake();
  }

  /** The first one from `mark` on that is wanted; waits for it. */
  async next<H extends Happening>(
    mark: number,
    wants: (happening: Happening) => happening is H,
  ): Promise<{ happening: H; mark: number }>;
  async next(
    mark: number,
    wants: (happening: Happening) => boolean,
  ): Promise<{ happening: Happening; mark: number }>;
  async next(
    mark: number,
    wants: (happening: Happening) => boolean,
  ): Promise<{ happening: Happening; mark: number }> {
    for (let at = mark; ; at += 1) {
      while (at >= this.all.length) await new Promise<void>((resolve) => this.#wake.push(resolve));
      const happening = this.all[at] as Happening;
      if (wants(happening)) return { happening, mark: at + 1 };
    }
  }

  /** Resolves with the next happening, whatever it is. */
  async change(mark: number): Promise<void> {
    while (mark >= this.all.length) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  /** A logger for the agent whose lines become happenings. */
  logger(): Logger {
    return pino({ level: 'info' }, { write: (line: string) => this.#hear(JSON.parse(line) as LogLine) });
  }

  #hear(line: LogLine): void {
    const { reason = '', run = '' } = line;
    switch (line.msg) {
      case 'directive refused':
        return this.tell({ is: 'refused', directive: line.directive ?? 0, code: line.code ?? '', reason });
      case 'run rests':
        return this.tell({ is: 'run-rests', run, phase: line.phase ?? '' });
      case 'tried in vain':
        return this.tell({ is: 'tried-in-vain', reason });
      case 'link':
        return this.tell({ is: 'link', state: line.link ?? '' });
      case 'link trouble':
        return this.tell({ is: 'trouble', reason });
    }
  }
}

interface LogLine {
  readonly msg: string;
  readonly directive?: number;
  readonly code?: string;
  readonly reason?: string;
  readonly run?: string;
  readonly phase?: string;
  readonly link?: string;
}
