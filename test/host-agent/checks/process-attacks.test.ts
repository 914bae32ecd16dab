/** What a process of a release may try, and what comes of it: in evidence, and on the host. */
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { Json } from '../../../shared/canonical-json.ts';
import type { Status } from '../../../shared/ledger/status.ts';
import { askOnce, python, sandbox } from './check-world.ts';

interface AttackRow {
  /** The program, in Python. */
  readonly script: string;
  readonly expect?: Json;
  readonly timeoutMs?: number;
  readonly status: Status;
  /** How the process must have ended, by the capsule; none where the check passes. */
  readonly ended?: string | RegExp;
  /** Must stand in the evidence. */
  readonly says?: string;
}

/** Absolute paths that one of the attacks writes to. */
const OUTSIDE = ['/etc/keyturn-owned', '/usr/bin/keyturn-owned', '/root/keyturn-owned'];

const SUMMARY_OK = 'Ran 366 tests in 0.100s\\n\\nOK\\n';

const attacks: Record<string, AttackRow> = {
  'a check that hangs is ended at its timeout': {
    script: 'import time\ntime.sleep(3600)\n',
    timeoutMs: 700,
    status: 'FAIL',
    ended: 'limit wall',
  },
  'a check that ignores SIGTERM is ended all the same': {
    script:
      'import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True:\n  try: time.sleep(3600)\n  except BaseException: pass\n',
    timeoutMs: 700,
    status: 'FAIL',
    ended: 'limit wall',
  },
  'a check that forks without end keeps nothing running': {
    script:
      'import os, time\nfor _ in range(10**6):\n  try:\n    if os.fork() == 0: os.setsid()\n  except OSError: time.sleep(0.05)\n',
    timeoutMs: 1500,
    status: 'FAIL',
    ended: 'limit wall',
    says: '"processes"',
  },
  'a check that fills memory is ended': {
    script: 'kept = []\nwhile True: kept.append(bytearray(64 * 1024 * 1024))\n',
    timeoutMs: 60_000,
    status: 'FAIL',
    ended: /^(limit memory|signal SIGKILL|exit 1)$/,
  },
  'a check that writes outside its sandbox changes nothing': {
    script: `import os
tried = 0
for path in ['OWNED', '../OWNED', '../iu-cutter/README.md', ${OUTSIDE.map((path) => `'${path}'`).join(', ')}]:
  try:
    with open(path, 'w') as file: file.write('owned')
    print('wrote', path)
  except OSError: tried += 1
print('refused', tried)
`,
    expect: { stdout: { matches: '^refused 6$' } },
    status: 'PASS',
  },
  'a check that prints 1 GiB is ended, and its evidence stays small': {
    script: 'import sys\npiece = "x" * 65536\nfor _ in range(16384): sys.stdout.write(piece)\n',
    timeoutMs: 60_000,
    status: 'FAIL',
    ended: 'limit output',
  },
  'a check with the wrong exit code fails, and its last words are kept': {
    script: 'import sys\nprint("the reason why")\nsys.exit(3)\n',
    status: 'FAIL',
    ended: 'exit 3',
    says: 'the reason why',
  },
  'a check that kills itself fails': {
    script: 'import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n',
    status: 'FAIL',
    ended: 'signal SIGKILL',
  },
  'a check that prints control characters without end stays within its ledger entry': {
    script: 'import sys\nsys.stdout.write("\\x01" * 200000)\nsys.stderr.write("\\x02" * 200000)\nsys.exit(1)\n',
    status: 'FAIL',
    ended: 'exit 1',
  },
  'a test runner that crashes before its summary proves no test': {
    script:
      'import os, sys\nsys.stderr.write("test_one ... ok\\ntest_two ... ok\\n")\nsys.stderr.flush()\nos._exit(0)\n',
    expect: { tests: { min: 2 } },
    status: 'FAIL',
    ended: 'exit 0',
  },
  'a test suite that prints a summary of its own first is counted by the real one': {
    script: `import sys\nsys.stderr.write("${SUMMARY_OK}")\nsys.stderr.write("${'-'.repeat(70)}\\nRan 2 tests in 0.001s\\n\\nFAILED (failures=1)\\n")\n`,
    expect: { tests: { min: 366 } },
    status: 'FAIL',
    ended: 'exit 0',
    says: '"failed":1',
  },
  'a test suite that prints a summary and then goes on proves no test': {
    script: `import sys\nsys.stderr.write("${SUMMARY_OK}")\nsys.stderr.write("test_last ... ")\n`,
    expect: { tests: { min: 366 } },
    status: 'FAIL',
    ended: 'exit 0',
  },
  'a pattern that would backtrack for years is no match': {
    script: 'print("a" * 200 + "b")\n',
    expect: { stdout: { matches: '(a+)+$' } },
    status: 'FAIL',
    ended: 'exit 0',
    says: '"undecided"',
  },
};

describe('a process of a release', function () {
  this.timeout(90_000);
  before('a sandbox is on this host', () => {
    expect(sandbox, 'bubblewrap').not.to.equal(undefined);
  });

  it('is attacked from thirteen sides', () => {
    expect(Object.keys(attacks)).to.have.length(13);
  });

  for (const [sentence, row] of Object.entries(attacks)) {
    it(sentence, async () => {
      const { script, timeoutMs = 20_000, status } = row;
      const mark = randomUUID();
      const params = { ...python('attack.py', mark), ...(row.expect === undefined ? {} : { expect: row.expect }) };
      const answer = await askOnce({ files: { 'attack.py': script } }, { kind: 'exec', params, timeoutMs });
      expect(answer.status, answer.text.slice(0, 2000)).to.equal(status);
      expect(answer.isHostUntouched, 'the host is untouched').to.equal(true);
      expect(OUTSIDE.filter(existsSync), 'files left outside').to.deep.equal([]);
      expect(processesWith(mark), 'processes left').to.deep.equal([]);
      expect(answer.text.length).to.be.below(64 * 1024);
      if (row.says !== undefined) expect(answer.text).to.include(row.says);
      expectEnd(answer.evidence.capsule?.ended, row.ended);
    });
  }
});

/** Pids of processes that have `mark` among their arguments. */
function processesWith(mark: string): string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => commandLine(pid).includes(mark));
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // it has ended since the folder was listed
  }
}

function expectEnd(ended: string | undefined, wanted: AttackRow['ended']): void {
  if (wanted instanceof RegExp) expect(ended).to.match(wanted);
  else expect(ended).to.equal(wanted);
}
