/** What a live entrypoint may do without a permit, and whether that is taken for a refusal. */
import { expect } from 'chai';
import type { Json } from '../../../shared/canonical-json.ts';
import type { Status } from '../../../shared/ledger/status.ts';
import { askOnce, python } from './check-world.ts';

interface RefusalRow {
  readonly script: string;
  readonly params?: Readonly<Record<string, Json>>;
  readonly isLive?: boolean;
  readonly timeoutMs?: number;
  readonly status: Status;
  /** Must stand in the evidence. */
  readonly says?: string;
}

const rows: Record<string, RefusalRow> = {
  'a refusal with its code and in words passes': {
    script: 'import sys\nprint("LIVE refused: no permit", file=sys.stderr)\nsys.exit(77)\n',
    status: 'PASS',
  },
  'a live entrypoint that succeeds fails the check': {
    script: 'print("refused nothing, did it all")\n',
    status: 'FAIL',
    says: '"exit 0"',
  },
  'a live entrypoint that is missing and ends in a usage error fails the check': {
    script: 'import sys\nprint("usage: refused --mode", file=sys.stderr)\nsys.exit(2)\n',
    status: 'FAIL',
    says: '"exit 2"',
  },
  'a crash whose traceback says "connection refused" fails the check': {
    script: 'raise ConnectionRefusedError(111, "Connection refused")\n',
    status: 'FAIL',
    says: '"exit 1"',
  },
  'a refusal by code without a word fails the check': { script: 'import sys\nsys.exit(77)\n', status: 'FAIL' },
  'a live entrypoint that waits for a permit for ever fails the check': {
    script: 'import time\nprint("refused", flush=True)\ntime.sleep(3600)\n',
    timeoutMs: 700,
    status: 'FAIL',
    says: '"limit wall"',
  },
  'a refusal of an entrypoint that is not marked live fails the check': {
    script: 'import sys\nprint("refused")\nsys.exit(77)\n',
    isLive: false,
    status: 'FAIL',
  },
  'a refusal with a code of its own passes where the plan names it': {
    script: 'import sys\nprint("not permitted")\nsys.exit(13)\n',
    params: { exits: [13], matches: 'not permitted' },
    status: 'PASS',
  },
  'a live entrypoint finds neither a secret nor a network nor a path to write': {
    script: `import os, socket, sys
found = os.listdir('/run/keyturn/secrets') if os.path.isdir('/run/keyturn/secrets') else []
for index, line in enumerate(open('/proc/net/dev')):
  if index > 1 and not line.strip().startswith('lo:'): found.append(line)
try: open('OWNED', 'w'); found.append('OWNED')
except OSError: pass
print('refused', found)
sys.exit(77 if not found else 0)
`,
    status: 'PASS',
  },
};

describe('a live entrypoint without a permit', function () {
  this.timeout(30_000);

  it('behaves in nine ways', () => {
    expect(Object.keys(rows)).to.have.length(9);
  });

  for (const [sentence, { script, params, isLive = true, timeoutMs = 20_000, status, says }] of Object.entries(rows)) {
    it(sentence, async () => {
      const answer = await askOnce(
        {
          files: { 'live.py': script },
          entrypoints: { live: { ...python('live.py'), live: isLive, network: true, writable: ['/opt/incomex/dot'] } },
          secrets: { governance_ro: 'hunter2-hunter2' },
        },
        { kind: 'refuses-live', params: { entrypoint: 'live', ...params }, timeoutMs },
      );
      expect(answer.status, answer.text).to.equal(status);
      expect(answer.isHostUntouched, 'the host is untouched').to.equal(true);
      expect(answer.evidence.capsule === undefined, 'a capsule only where it failed').to.equal(status === 'PASS');
      if (says !== undefined) expect(answer.text).to.include(says);
    });
  }
});
