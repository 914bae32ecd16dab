/** What the programs need from the distribution besides npm packages: bubblewrap, and Python for the sample payload. */
import { spawnSync } from 'node:child_process';

interface Requirement {
  readonly command: string;
  readonly debianPackage: string;
  readonly why: string;
}

const REQUIREMENTS: readonly Requirement[] = [
  { command: '/usr/bin/bwrap', debianPackage: 'bubblewrap', why: 'every check runs in its sandbox' },
  { command: '/usr/bin/python3', debianPackage: 'python3', why: 'the sample payload is written in it' },
  { command: '/usr/bin/git', debianPackage: 'git', why: 'releases are built from commits' },
];

/**
 * Installs what is missing (as root, from the distribution), or says in one line what to install and ends with 69.
 * Does nothing when nothing is missing.
 */
export function ensureRequirements(): void {
  if (process.platform !== 'linux') fail('the agent runs on Linux only; this machine can run the CLI: npm run keyturn');
  const absent = REQUIREMENTS.filter((requirement) => !answers(requirement.command));
  if (absent.length === 0) return;
  const packages = absent.map((requirement) => requirement.debianPackage).join(' ');
  const reasons = absent.map((requirement) => `${requirement.debianPackage} (${requirement.why})`).join(', ');
  if (process.getuid?.() !== 0) fail(`missing: ${reasons}; install with: sudo apt-get install ${packages}`);
  process.stderr.write(`keyturn: installing ${reasons}\n`);
  apt(['update', '-qq']);
  apt(['install', '-y', '-qq', '--no-install-recommends', ...packages.split(' ')]);
  const still = REQUIREMENTS.filter((requirement) => !answers(requirement.command));
  if (still.length > 0) fail(`failed to install ${still.map((requirement) => requirement.debianPackage).join(', ')}`);
}

function answers(command: string): boolean {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
}

function apt(argv: readonly string[]): void {
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { status, error } = spawnSync('apt-get', argv, { stdio: ['ignore', 'ignore', 'inherit'], env: environment });
  if (status !== 0) fail(`apt-get ${argv[0]} failed (${error?.message ?? `exit ${status}`})`);
}

function fail(message: string): never {
  process.stderr.write(`keyturn: ${message}\n`);
  process.exit(69);
}
