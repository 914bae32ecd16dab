import type { Home } from '../home.ts';
import type { ControlPlaneDoor } from './control-plane-door.ts';

/** What every examination of `keyturn doctor` is given. */
export interface DoctorContext {
  readonly home: Home;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly runtime: { readonly nodeVersion: string; readonly platform: string; readonly arch: string };
  readonly door: ControlPlaneDoor;
  /** A command of this program for this home, to be typed as it stands. */
  readonly command: (...words: readonly string[]) => string;
}
