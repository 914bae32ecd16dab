/** The log of a long-running program: one JSON line for each event on stderr; level by KEYTURN_LOG (`info` unless said). */
import { type Logger, pino } from 'pino';

export type { Logger };

export function serviceLog(name: string): Logger {
  return pino({ name, level: process.env.KEYTURN_LOG ?? 'info' }, pino.destination({ dest: 2, sync: true }));
}
