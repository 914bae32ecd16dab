/** Completion as shells do it: the real scripts of both programs, sourced by real shells. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Argument, Command, Option } from 'commander';
import { createProgram as createKeyturn } from '../../../control-plane/cli/program.ts';
import { createProgram as createAgent } from '../../../host-agent/cli/program.ts';
import { functionName } from '../../../shared/service/completion/shell-text.ts';
import { completionScript, completionTree, SHELLS, type Shell } from '../../../shared/service/completion.ts';
import { skipAloud } from '../../support/skip.ts';

interface Row {
  readonly program: string;
  /** As bash takes the line apart; the last word is the one that is completed. */
  readonly words: readonly string[];
  /** All that is offered. */
  readonly all?: readonly string[];
  /** Some of what is offered. */
  readonly some?: readonly string[];
  readonly none?: readonly string[];
}

const ROWS: Record<string, Row> = {
  'commands are offered first': {
    program: 'keyturn',
    words: [''],
    some: ['release', 'deploy', 'doctor', 'completion', 'help'],
    none: ['--home', 'build'],
  },
  'a command is completed': { program: 'keyturn', words: ['doc'], all: ['doctor'] },
  'commands below a command are offered behind it': {
    program: 'keyturn',
    words: ['release', 'b'],
    all: ['build'],
  },
  'options of a command and of the program are offered': {
    program: 'keyturn',
    words: ['deploy', '--'],
    some: ['--host', '--watch', '--home', '--json', '--help'],
    none: ['--repo'],
  },
  'an option in front of the command does not hide it': {
    program: 'keyturn',
    words: ['--json', 'release', 'ex'],
    all: ['export'],
  },
  'the value of an option is no command': {
    program: 'keyturn',
    words: ['--home', 'release', ''],
    some: ['release', 'deploy'],
    none: ['build'],
  },
  'neither is a value behind an equals sign': {
    program: 'keyturn',
    words: ['--home', '=', 'release', 'de'],
    all: ['deploy'],
  },
  'folders are offered where a folder is expected': {
    program: 'keyturn',
    words: ['--home', ''],
    all: ['a folder'],
  },
  'files are offered where a file is expected': {
    program: 'keyturn',
    words: ['release', 'push', ''],
    all: ['a folder', 'x.ktr'],
  },
  'files are offered behind an equals sign': {
    program: 'keyturn',
    words: ['release', 'push', 'x.ktr', '--passphrase-file', '='],
    all: ['a folder', 'x.ktr'],
  },
  'nothing is offered where only its user knows': { program: 'keyturn', words: ['deploy', '--host', ''], all: [] },
  'choices of an argument are offered': { program: 'keyturn', words: ['completion', ''], all: ['bash', 'zsh', 'fish'] },
  'nothing is offered behind the last argument': { program: 'keyturn', words: ['completion', 'bash', ''], all: [] },
  'an option that may have several values ends at the next option': {
    program: 'keyturn',
    words: ['init', '--app', 'x', 'y', '--appr'],
    all: ['--approver'],
  },
  'values of such an option are no commands': {
    program: 'keyturn-agent',
    words: ['enrol', 'b', '--install-root', '/opt', ''],
    all: ['a folder'],
  },
  'the agent has a script of its own': { program: 'keyturn-agent', words: ['doc'], all: ['doctor'] },
  'the agent offers its own options': {
    program: 'keyturn-agent',
    words: ['doctor', '--'],
    some: ['--json', '--state', '--help'],
    none: ['--home'],
  },
  'an alias of one letter is an option as well': { program: 'sample', words: ['-'], some: ['-V', '-c', '--colour'] },
  'choices of an option are offered behind either name': {
    program: 'sample',
    words: ['-c', ''],
    all: ['red', 'green'],
  },
  'what is hidden is not offered': { program: 'sample', words: ['in'], all: [] },
  'options of a command in between are offered below it': {
    program: 'sample',
    words: ['outer', 'inner', '--'],
    some: ['--between', '--own'],
  },
  'so are their values': { program: 'sample', words: ['outer', 'inner', '--between', ''], all: ['one', 'two'] },
};

/** What ours do not have. */
function createSample(): Command {
  const program = new Command('sample').version('1').description("it's a $(sample) `of` [odd]: text\\");
  program.addOption(new Option('-c, --colour <name>', "of 'all'").choices(['red', 'green']));
  program.command('internal', { hidden: true });
  const outer = program.command('outer').description('$HOME "outer"');
  outer.addOption(new Option('--between <word>', 'in between').choices(['one', 'two']));
  outer
    .command('inner')
    .description('inner')
    .option('--own')
    .addArgument(new Argument('<x>').choices(['a', 'b']));
  return program;
}

const PROGRAMS: Readonly<Record<string, () => Command>> = {
  keyturn: () => createKeyturn(),
  'keyturn-agent': createAgent,
  sample: createSample,
};

describe('completion', function () {
  this.timeout(30_000);
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyturn-completion-'));
    mkdirSync(join(folder, 'there', 'a folder'), { recursive: true });
    writeFileSync(join(folder, 'there', 'x.ktr'), '');
    for (const [name, create] of Object.entries(PROGRAMS)) {
      for (const shell of SHELLS) {
        writeFileSync(join(folder, `${name}.${shell}`), completionScript(shell, completionTree(create())));
      }
    }
  });
  after(() => rmSync(folder, { recursive: true }));

  it('is tried with at least twenty lines', () => expect(Object.keys(ROWS)).to.have.length.of.at.least(20));

  for (const [title, { program, words, all, some = [], none = [] }] of Object.entries(ROWS)) {
    it(`bash: ${title}`, () => {
      const offered = offeredByBash(join(folder, `${program}.bash`), { program, words, cwd: join(folder, 'there') });
      if (all !== undefined) expect(offered).to.have.members([...all]);
      expect(offered).to.include.members([...some]);
      for (const word of none) expect(offered).to.not.include(word);
    });
  }

  it('bash: the script speaks for the program', () => {
    const { stdout, stderr } = bash(`source ${join(folder, 'keyturn-agent.bash')}; complete -p keyturn-agent`, folder);
    expect([stdout, stderr]).to.deep.equal(['complete -F _keyturn_agent keyturn-agent\n', '']);
  });

  for (const program of Object.keys(PROGRAMS)) {
    it(`bash takes the script of ${program} without a word`, () => {
      const { status, stdout, stderr } = bash(`set -u; source ${join(folder, `${program}.bash`)}`, folder);
      expect([status, stdout, stderr]).to.deep.equal([0, '', '']);
    });

    for (const [shell, flag] of [
      ['zsh', '-n'],
      ['fish', '--no-execute'],
    ] as const) {
      it(`${shell} understands the script of ${program}`, function () {
        const ended = runShell(this, { shell, argv: [flag, join(folder, `${program}.${shell}`)] });
        expect([ended.status, ended.stderr]).to.deep.equal([0, '']);
      });
    }
  }

  const FISH: readonly (readonly [string, string, readonly string[]])[] = [
    ['keyturn', 'keyturn doc', ['doctor']],
    ['keyturn', 'keyturn --home release release b', ['build']],
    ['keyturn', 'keyturn completion f', ['fish']],
    ['keyturn', 'keyturn deploy --ho', ['--home', '--host']],
    ['sample', 'sample outer inner --between t', ['two']],
  ];
  for (const [program, line, words] of FISH) {
    it(`fish: "${line}" becomes ${words.join(' or ')}`, function () {
      const script = `source ${join(folder, `${program}.fish`)}; complete -C "${line}"`;
      const { stdout } = runShell(this, { shell: 'fish', argv: ['-N', '-c', script] });
      const offered = stdout
        .split('\n')
        .filter(Boolean)
        .map((text) => text.split('\t')[0]);
      expect(offered).to.have.members([...words]);
    });
  }
});

interface Line {
  readonly program: string;
  readonly words: readonly string[];
  readonly cwd: string;
}

function offeredByBash(script: string, { program, words, cwd }: Line): string[] {
  const quoted = [program, ...words].map((word) => `'${word}'`).join(' ');
  const { stdout, stderr } = bash(
    `source ${script}; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length}
     ${functionName(program)}; for word in "\${COMPREPLY[@]}"; do printf '%s\\n' "$word"; done`,
    cwd,
  );
  // `compopt` speaks to a completion under way, of which there is none here.
  expect(stderr.replaceAll(/.*compopt: not currently executing completion function\n/g, '')).to.equal('');
  return stdout.split('\n').filter(Boolean);
}

function bash(script: string, cwd: string) {
  return spawnSync('bash', ['--norc', '-c', script], { encoding: 'utf8', cwd });
}

function runShell(context: Mocha.Context, { shell, argv }: { shell: Shell; argv: readonly string[] }) {
  const ended = spawnSync(shell, argv, { encoding: 'utf8', env: { ...process.env, HOME: '/nonexistent' } });
  if (ended.error !== undefined) skipAloud(context, `there is no ${shell} on this machine`);
  return ended;
}
