/** What README and docs promise: every command they name is there, every link leads somewhere, every sample is understood. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { Command } from 'commander';
import { parse, stringify } from 'yaml';
import { createProgram } from '../../control-plane/cli/program.ts';
import { createProgram as createAgentProgram } from '../../host-agent/cli/program.ts';
import { planKinds } from '../../shared/ledger/kinds/registry.ts';
import { VERDICT_EXIT_CODES } from '../../shared/ledger/status.ts';
import { parseKeyturnYaml } from '../../shared/release/keyturn-yaml.ts';
import { EXIT_CODES } from '../../shared/service/failure.ts';

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const DOCUMENTS = [
  ...readdirSync(repository).filter((file) => file.endsWith('.md')),
  ...readdirSync(join(repository, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file)),
];
const PROGRAMS: Readonly<Record<string, Command>> = {
  keyturn: createProgram(),
  'keyturn-agent': createAgentProgram(),
};
const scripts: Readonly<Record<string, string>> = JSON.parse(
  readFileSync(join(repository, 'package.json'), 'utf8'),
).scripts;

interface Named {
  readonly document: string;
  readonly text: string;
}

const textOf = (document: string) => readFileSync(join(repository, document), 'utf8');

/** Lines of code blocks that hold transcripts, and pieces of code within a line. */
function codeOf(document: string): string[] {
  const text = textOf(document);
  const blocks = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```/gm)];
  const lines = blocks
    .filter(([, language]) => ['', 'sh', 'bash', 'console'].includes(language ?? ''))
    .flatMap(([, , code]) => (code ?? '').split('\n'));
  const inline = [...text.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/`([^`\n]+)`/g)].map(([, code]) => code ?? '');
  return [...lines.map((line) => line.replace(/^\$ /, '')), ...inline];
}

const named = (pattern: RegExp): Named[] =>
  DOCUMENTS.flatMap((document) =>
    codeOf(document).map((text) => ({ document, text: text.replace(/\s+#.*$/, '').trim() })),
  ).filter(({ text }) => pattern.test(text));

/** Walks from the program to the command that the words name; gives what is not there. */
function unknownIn(program: Command, words: readonly string[]): string[] {
  let command = program;
  const rest = [...words];
  for (;;) {
    const [word = ''] = rest;
    const child = command.commands.find((candidate) => candidate.name() === word);
    if (!child) break;
    command = child;
    rest.shift();
  }
  // A group is named by itself in prose; a word after it would be a command that it does not have.
  const isGroup = command.commands.length > 0;
  const strangers = isGroup ? rest.filter((word) => /^[a-z]/.test(word)).slice(0, 1) : [];
  const options = rest.filter((word) => /^--[a-z]/.test(word)).map((word) => word.replace(/=.*$/, ''));
  const known = [...command.options, ...program.options].flatMap(({ long, short }) => [long, short]);
  return [...strangers, ...options.filter((option) => option !== '--help' && !known.includes(option))];
}

describe('README and docs', () => {
  it('are read, the samples of the README among them', () => {
    expect(DOCUMENTS).to.include.members(['README.md', 'docs/keyturn-yaml.md']);
    expect(named(/^keyturn(-agent)? [a-z-]/).length).to.be.at.least(5);
    expect(named(/^npm (run [a-z]|test)/).length).to.be.at.least(3);
  });

  it('name only commands and options that the programs have', () => {
    const unknown = named(/^keyturn(-agent)? [a-z-]/).flatMap(({ document, text }) => {
      const [program = '', ...words] = text.replace(/ &$/, '').split(/\s+/);
      return unknownIn(PROGRAMS[program] as Command, words).map((what) => `${document}: ${text}: ${what}`);
    });
    expect(unknown).to.deep.equal([]);
  });

  it('name only npm scripts that package.json has, each of which exists', () => {
    const names = named(/^npm (run [a-z]|test)/).map(({ document, text }) => ({
      document,
      script: /^npm (?:run )?(?:--silent )?([\w-]+)/.exec(text)?.[1] ?? text,
    }));
    expect(names.filter(({ script }) => scripts[script] === undefined)).to.deep.equal([]);
    const files = Object.values(scripts).flatMap((line) => line.match(/\S+\.(?:ts|mjs)\b/g) ?? []);
    expect(files).to.have.length.at.least(10);
    expect(files.filter((file) => !existsSync(join(repository, file)))).to.deep.equal([]);
  });

  it('link only to what is there', () => {
    const links = DOCUMENTS.flatMap((document) =>
      [...textOf(document).matchAll(/\]\((?!https?:|mailto:|#)([^)\s#]+)(?:#[^)]*)?\)/g)].map(([, target]) => ({
        document,
        target: target ?? '',
      })),
    );
    expect(links).to.have.length.at.least(3);
    const broken = links.filter(({ document, target }) => !existsSync(resolve(repository, dirname(document), target)));
    expect(broken).to.deep.equal([]);
  });

  it('name only folders and files that are there', () => {
    const paths = [...textOf('README.md').matchAll(/`([\w./-]+\/)`/g)].map(([, path]) => path ?? '');
    expect(paths).to.have.length.at.least(6);
    const missing = paths.filter(
      (path) => !existsSync(join(repository, path)) && !existsSync(join(repository, 'test', path)),
    );
    expect(missing).to.deep.equal([]);
  });

  it('tell only exit codes that there are', () => {
    const [, line = ''] = /Exit codes of `keyturn`: ([\s\S]*?)\./.exec(textOf('README.md')) ?? [];
    const told = [...line.matchAll(/\b\d+\b/g)].map(([code]) => Number(code));
    expect(told).to.have.length.at.least(7);
    const all = [...Object.values(VERDICT_EXIT_CODES), ...Object.values(EXIT_CODES)];
    expect(told.filter((code) => !all.includes(code as never))).to.deep.equal([]);
  });

  it('show a keyturn.yaml that is understood, whole, and parts that are understood in its place', () => {
    const samples = DOCUMENTS.flatMap((document) =>
      [...textOf(document).matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, text]) => text ?? ''),
    );
    const [whole = '', ...others] = samples.filter((text) => text.startsWith('name:'));
    expect(others).to.deep.equal([]);
    const read = (text: string) => parseKeyturnYaml(text, { version: '0.6', kinds: planKinds });
    expect(read(whole).gates.map(({ gate }) => gate)).to.deep.equal(['G5', 'G6']);
    const parts = samples.filter((text) => text !== whole);
    expect(parts).to.have.length(1);
    for (const part of parts) {
      const laidOver = { ...parse(whole), entrypoints: undefined, ...parse(part) };
      expect(read(stringify(laidOver)).gates.length).to.be.at.least(1);
    }
  });

  it('name every parameter of every kind of check', () => {
    const rows = textOf('docs/keyturn-yaml.md').match(/^\| `.*$/gm) ?? [];
    const missing = [...planKinds].flatMap(([kind, { params }]) => {
      const row = rows.find((candidate) => candidate.split('|')[1]?.includes(`\`${kind}\``)) ?? '';
      const { shape = {} } = params as { shape?: object };
      return Object.keys(shape).flatMap((name) => (row.includes(name) ? [] : [`${kind}: ${name}`]));
    });
    expect(missing).to.deep.equal([]);
  });

  it('describe every kind of check that a plan may name, and no other', () => {
    const rows = textOf('docs/keyturn-yaml.md').match(/^\| `.*?\|/gm) ?? [];
    const kinds = rows.flatMap((row) => [...row.matchAll(/`([a-z-]+)`/g)].map(([, kind]) => kind ?? ''));
    expect(kinds).to.have.members([...planKinds.keys()]);
  });
});
