import type { HostConfig } from '../../host/host-config.ts';
import type { JournalReading } from './journal-reading.ts';

/** What every examination of `keyturn-agent doctor` is given. */
export interface DoctorContext {
  readonly stateDirectory: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Of whoever asks; the agent is meant to run as the same user. */
  readonly uid: number;
  readonly journal: JournalReading;
  /** A command of this program for this state folder, to be typed as it stands. */
  readonly command: (...words: readonly string[]) => string;
  /** Where systemd puts credentials, for whoever asks from within a unit. */
  readonly credentials?: string | undefined;
  /** Where bubblewrap and the launch programs are looked up; the system's folders unless said. */
  readonly programFolders?: readonly string[];
}

export interface EnrolledContext extends DoctorContext {
  readonly config: HostConfig;
}
