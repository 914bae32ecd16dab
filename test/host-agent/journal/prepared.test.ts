import Database from 'better-sqlite3';
import { expect } from 'chai';
import { prepared } from '../../../host-agent/journal/prepared.ts';

describe('prepared statements of the journal', () => {
  it('are prepared once a database, and never shared between two', () => {
    const [one, other] = [new Database(':memory:'), new Database(':memory:')];
    try {
      for (const [database, value] of [
        [one, 1],
        [other, 2],
      ] as const) {
        database.exec(`create table rows (id integer); insert into rows values (${value})`);
      }
      const read = () => [one, other].map((database) => prepared<[], { id: number }>(database, 'select id from rows'));
      expect(read().map((statement) => statement.get()?.id)).to.deep.equal([1, 2]);
      expect(read()[0]).to.equal(read()[0]);
      expect(read()[0]).to.not.equal(read()[1]);
    } finally {
      one.close();
      other.close();
    }
  });
});
