/** `keyturn doctor`. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { countOf, type Examination, examineAll } from '../../../shared/service/doctor/examination.ts';
import { examinationDocument, examinationLines } from '../../../shared/service/doctor/examination-report.ts';
import { commandLine } from '../../../shared/service/doctor/shell-word.ts';
import { EXIT_CODES } from '../../../shared/service/failure.ts';
import { ControlPlaneDoor } from '../doctor/control-plane-door.ts';
import type { DoctorContext } from '../doctor/doctor-context.ts';
import { Home } from '../home.ts';
import { outputOf } from '../output.ts';
import { terminalOf } from '../terminal.ts';

type CliExamination = Examination<DoctorContext>;

const RUNTIME: CliExamination = {
  name: 'runtime',
  load: async () => (await import('../doctor/runtime.ts')).examineRuntime,
};
const HOME: CliExamination = {
  name: 'home',
  load: async () => (await import('../doctor/home-folder.ts')).examineHomeFolder,
};
const GIT: CliExamination = { name: 'git', load: async () => (await import('../doctor/git.ts')).examineGit };

/** What a home holds, and where it leads. */
const OF_A_HOME: readonly CliExamination[] = [
  { name: 'disk', load: async () => (await import('../doctor/disk-space.ts')).examineDiskSpace },
  { name: 'keys', load: async () => (await import('../doctor/key-files.ts')).examineKeyFiles },
  { name: 'trust', load: async () => (await import('../doctor/trust-metadata.ts')).examineTrustMetadata },
  {
    name: 'certificates',
    load: async () => (await import('../doctor/operator-certificates.ts')).examineOperatorCertificates,
  },
  { name: 'control plane', load: async () => (await import('../doctor/control-plane.ts')).examineControlPlane },
  { name: 'hosts', load: async () => (await import('../doctor/hosts.ts')).examineHosts },
  { name: 'releases', load: async () => (await import('../doctor/releases.ts')).examineReleases },
];

export async function doctor(command: Command): Promise<void> {
  const output = outputOf(command);
  const context = contextOf(command);
  try {
    const ofAHome = isHeld(context.home) ? OF_A_HOME : [];
    const examined = await examineAll([RUNTIME, HOME, ...ofAHome, GIT], context);
    output.result(examinationDocument(examined), () =>
      examinationLines(examined, terminalOf(process.stdout, process.env)),
    );
    if (countOf(examined, 'trouble') > 0) output.endWith(EXIT_CODES.unavailable);
  } finally {
    await context.door.close();
  }
}

function isHeld(home: Home): boolean {
  try {
    return home.exists();
  } catch {
    return false; // it is closed to whoever asks: the examination of the home says so
  }
}

function contextOf(command: Command): DoctorContext {
  const home = new Home(command.optsWithGlobals().home as string);
  const { version: nodeVersion, platform, arch } = process;
  // Whoever types a mending command in another shell has not set KEYTURN_HOME there.
  const own = home.folder === join(homedir(), '.keyturn') ? [] : ['--home', home.folder];
  return {
    home,
    now: Date.now(),
    runtime: { nodeVersion, platform, arch },
    door: new ControlPlaneDoor(home),
    command: (...words) => commandLine(['keyturn', ...own, ...words]),
  };
}
