/** Where an entrypoint leads, and whether it answers its probe. */
import { expect } from 'chai';
import type { Status } from '../../../shared/ledger/status.ts';
import { askOnce } from './check-world.ts';

interface EntrypointRow {
  readonly argv: string[];
  readonly probe?: string[];
  readonly status: Status;
  readonly says: string;
}

const files = {
  'cutter/__init__.py': '',
  'cutter/cli.py':
    'import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument("mode", choices=["scan"])\nparser.parse_args()\n',
  'cutter/orchestrator/__main__.py': 'import sys\nsys.exit(0 if "--help" in sys.argv else 1)\n',
  'tools/run.sh': '#!/bin/sh\nexit 0\n',
  'tools/plain.sh': 'exit 0\n',
};

const rows: Record<string, EntrypointRow> = {
  'a package that answers its probe passes': {
    argv: ['python3', '-m', 'cutter.orchestrator'],
    probe: ['--help'],
    status: 'PASS',
    says: 'cutter/orchestrator/__main__.py',
  },
  'a module without a probe passes by standing there': {
    argv: ['python3', '-B', '-m', 'cutter.cli'],
    status: 'PASS',
    says: '"was":"undeclared"',
  },
  'a module named in one breath with other options passes': {
    argv: ['python3', '-X', 'dev', '-Bm', 'cutter.cli'],
    status: 'PASS',
    says: 'cutter/cli.py',
  },
  'a subcommand that the program does not know fails': {
    argv: ['python3', '-m', 'cutter.cli', 'orchestrate', 'inspect'],
    probe: ['--version'],
    status: 'FAIL',
    says: '"code":2',
  },
  'a module that is not in the tree fails, and nothing is started': {
    argv: ['python3', '-m', 'cutter.missing'],
    probe: ['--help'],
    status: 'FAIL',
    says: '"was":"left-out"',
  },
  'a module of the host instead of the release fails': {
    argv: ['python3', '-m', 'http.server'],
    status: 'FAIL',
    says: 'no http/server.py',
  },
  'a package without a main module fails': {
    argv: ['python3', '-m', 'cutter'],
    status: 'FAIL',
    says: 'cutter/__main__.py',
  },
  'a program of the tree passes': { argv: ['./tools/run.sh'], probe: [], status: 'PASS', says: '"to":"tools/run.sh"' },
  'a file of the tree that is not executable fails': {
    argv: ['tools/plain.sh'],
    status: 'FAIL',
    says: 'not executable',
  },
  'a script of the tree passes': { argv: ['sh', 'tools/plain.sh'], probe: [], status: 'PASS', says: 'tools/plain.sh' },
  'a script that is missing fails': {
    argv: ['sh', 'tools/missing.sh'],
    status: 'FAIL',
    says: 'no file tools/missing.sh',
  },
  'a program that this host does not have fails': {
    argv: ['no-such-program'],
    status: 'FAIL',
    says: 'no-such-program',
  },
  'a folder of the host in the place of a program fails': {
    argv: ['/usr/bin'],
    status: 'FAIL',
    says: 'no program at /usr/bin',
  },
  'an interpreter without anything to run fails': { argv: ['python3'], status: 'FAIL', says: 'neither a module' },
};

const LOOKS_FOR_SECRETS = `import os, sys
folder = '/run/keyturn/secrets'
sys.exit(1 if os.path.isdir(folder) and os.listdir(folder) else 0)
`;

describe('an entrypoint of a plan', function () {
  this.timeout(10_000);

  it('is declared in fourteen ways', () => {
    expect(Object.keys(rows)).to.have.length(14);
  });

  for (const [sentence, { argv, probe, status, says }] of Object.entries(rows)) {
    it(sentence, async () => {
      const answer = await askOnce(
        { files, entrypoints: { asked: { argv, probe } } },
        { kind: 'entrypoint', params: { entrypoint: 'asked' } },
      );
      expect(answer.status, answer.text).to.equal(status);
      expect(answer.text).to.include(says);
      expect(answer.isHostUntouched).to.equal(true);
    });
  }

  for (const [host, secret] of Object.entries({ has: 'hunter2-hunter2', lacks: undefined })) {
    it(`is probed without the plan's secrets, on a host that ${host} them`, async () => {
      const answer = await askOnce(
        {
          files: { 'probe.py': LOOKS_FOR_SECRETS },
          entrypoints: { asked: { argv: ['python3', 'probe.py'], probe: ['--help'] } },
          secrets: { governance_ro: secret },
        },
        { kind: 'entrypoint', params: { entrypoint: 'asked' } },
      );
      expect(answer.status, answer.text).to.equal('PASS');
      expect(answer.text).to.include('"secrets":[]');
      expect(answer.isHostUntouched).to.equal(true);
    });
  }
});
