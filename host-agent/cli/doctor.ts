/** The examinations of a host, and what they come to. */
import { countOf, type Examination, type Examined, examineAll } from '../../shared/service/doctor/examination.ts';
import { examinationDocument, examinationLines } from '../../shared/service/doctor/examination-report.ts';
import { commandLine } from '../../shared/service/doctor/shell-word.ts';
import { EXIT_CODES } from '../../shared/service/failure.ts';
import { type HostConfig, loadHostConfig } from '../host/host-config.ts';
import type { DoctorContext, EnrolledContext } from './doctor/doctor-context.ts';
import { JournalReading } from './doctor/journal-reading.ts';

export interface DoctorRequest {
  readonly stateDirectory: string;
  readonly form: 'json' | 'table';
  readonly programFolders?: readonly string[];
}

const OF_THE_MACHINE: readonly Examination<DoctorContext>[] = [
  { name: 'enrolment', load: async () => (await import('./doctor/enrolment.ts')).examineEnrolment },
  { name: 'state folder', load: async () => (await import('./doctor/state-folder.ts')).examineStateFolder },
  { name: 'sandbox', load: async () => (await import('./doctor/sandbox.ts')).examineSandbox },
  { name: 'user namespaces', load: async () => (await import('./doctor/user-namespaces.ts')).examineUserNamespaces },
];

/** What there is once a host has joined. */
const OF_THE_HOST: readonly Examination<EnrolledContext>[] = [
  { name: 'journal', load: async () => (await import('./doctor/journal.ts')).examineJournal },
  { name: 'identity', load: async () => (await import('./doctor/identity.ts')).examineIdentity },
  { name: 'trust', load: async () => (await import('./doctor/trust.ts')).examineTrust },
  { name: 'clock', load: async () => (await import('./doctor/clock.ts')).examineClock },
  { name: 'install roots', load: async () => (await import('./doctor/install-roots.ts')).examineInstallRoots },
  { name: 'secrets', load: async () => (await import('./doctor/secrets.ts')).examineSecrets },
  { name: 'gateway', load: async () => (await import('./doctor/gateway.ts')).examineGateway },
];

/** What to print, and the exit code: 0, or 69 when anything is in trouble. Changes nothing. */
export async function doctor(request: DoctorRequest): Promise<{ readonly exitCode: number; readonly text: string }> {
  const examined = await examine(contextOf(request));
  const text =
    request.form === 'json'
      ? JSON.stringify(examinationDocument(examined))
      : examinationLines(examined, { hasColours: hasColours() }).join('\n');
  const exitCode = countOf(examined, 'trouble') > 0 ? EXIT_CODES.unavailable : 0;
  return { exitCode, text: `${text}\n` };
}

async function examine(context: DoctorContext): Promise<Examined[]> {
  const config = configOf(context.stateDirectory);
  try {
    if (config === undefined) return await examineAll(OF_THE_MACHINE, context);
    return await examineAll<EnrolledContext>([...OF_THE_MACHINE, ...OF_THE_HOST], { ...context, config });
  } finally {
    await context.journal.close();
  }
}

function contextOf({ stateDirectory, programFolders }: DoctorRequest): DoctorContext {
  return {
    stateDirectory,
    now: Date.now(),
    uid: process.geteuid?.() ?? 0,
    journal: new JournalReading(stateDirectory),
    command: (...words) => commandLine(['keyturn-agent', '--state', stateDirectory, ...words]),
    credentials: process.env.CREDENTIALS_DIRECTORY,
    ...(programFolders && { programFolders }),
  };
}

function configOf(stateDirectory: string): HostConfig | undefined {
  try {
    return loadHostConfig(stateDirectory);
  } catch {
    return undefined; // the examination of the enrolment says why
  }
}

/** https://no-color.org: set and not empty. */
function hasColours(): boolean {
  return process.stdout.isTTY === true && (process.env.NO_COLOR ?? '') === '';
}
