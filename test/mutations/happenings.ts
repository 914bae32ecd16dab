/** What an agent says of itself, as events that can be waited for. */
import { type Logger, pino } from 'pino';

export type Happening =
  | { readonly is: 'refused'; readonly directive: number; readonly code: string; readonly reason: string }
  | { readonly is: 'run-rests'; readonly run: string; readonly phase: string }
  | { readonly is: 'tried-in-vain'; readonly reason: string }
  | { readonly is: 'link'; readonly state: string }
  | { readonly is: 'trouble'; readonly reason: string }
  | { readonly is: 'waiting' }
  | { readonly is: 'timer' }
  /** A message of the host arrived at the control plane. */
  | { readonly is: 'heard'; readonly body: string; readonly ack: number }
  /** What the agent writes about its gates has changed. */
  | { readonly is: 'gates-told' }
  | { readonly is: 'agent-died'; readonly reason: string };

export class Happenings {
  readonly all: Happening[] = [];
  /** Why the agent died; undefined as long as it lives. */
  death: string | undefined;
  #wake: (() => void)[] = [];

  /** Where the list ends now: what comes later is news. */
  get mark(): number {
    return this.all.length;
  }

  tell(happening: Happening): void {
    this.all.push(happening);
    if (happening.is === 'agent-died') this.death = happening.reason;
    const sleepers = this.#wake;
    this.#wake = [];
    for (const wake of sleepers) wake();
  }

  /** The first one from `mark` on that is wanted; waits for it. */
  async next(
    mark: number,
    isWanted: (happening: Happening) => boolean,
  ): Promise<{ happening: Happening; mark: number }> {
    for (let at = mark; ; at += 1) {
      await this.change(at);
      const happening = this.all[at] as Happening;
      if (isWanted(happening)) return { happening, mark: at + 1 };
    }
  }

  /** Resolves once something has happened since `mark`, whatever it is. */
  async change(mark: number): Promise<void> {
    while (mark >= this.all.length) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }

  /** A logger for the agent whose lines become happenings. */
  logger(): Logger {
    return pino({ level: 'info' }, { write: (line: string) => this.#hear(JSON.parse(line) as LogLine) });
  }

  #hear(line: LogLine): void {
    const happening = happeningOf(line);
    if (happening !== undefined) this.tell(happening);
  }
}

function happeningOf({ msg, directive = 0, code = '', reason = '', run = '', phase = '', link = '' }: LogLine) {
  switch (msg) {
    case 'directive refused':
    case 'order refused':
      return { is: 'refused', directive, code, reason } as const;
    case 'run rests':
      return { is: 'run-rests', run, phase } as const;
    case 'tried in vain':
      return { is: 'tried-in-vain', reason } as const;
    case 'link':
      return { is: 'link', state: link } as const;
    case 'link trouble':
      return { is: 'trouble', reason } as const;
    default:
      return undefined;
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
