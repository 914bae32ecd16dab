import Database from 'better-sqlite3';
import { expect } from 'chai';
import { keepingStatements } from '../../../control-plane/store/kept-statements.ts';

describe('control-plane/store/kept-statements', () => {
  let database: Database.Database;
  let preparedCount: number;
  beforeEach(() => {
    database = new Database(':memory:');
    database.exec('create table rows (id integer primary key)');
    database.exec('insert into rows values (1), (2), (3)');
    preparedCount = 0;
    const prepare = database.prepare.bind(database);
    database.prepare = ((sql: string) => {
      preparedCount += 1;
      return prepare(sql);
    }) as typeof database.prepare;
  });
  afterEach(() => database.close());

  it('prepares a statement once, whatever it is given', () => {
    const kept = keepingStatements(database);
    const rows = [1, 3].map((id) => kept.prepare('select id from rows where id = ?').all([id]));
    expect(rows).to.deep.equal([[{ id: 1 }], [{ id: 3 }]]);
    expect(preparedCount).to.equal(1);
  });

  it('prepares one anew while it is being read from', () => {
    const kept = keepingStatements(database);
    const sql = 'select id from rows order by id';
    const reading = kept.prepare(sql).iterate([]);
    const first = reading.next();
    expect(first.value).to.deep.equal({ id: 1 });
    expect(kept.prepare(sql).all([])).to.have.length(3);
    expect([...{ [Symbol.iterator]: () => reading }]).to.have.length(2);
  });

  it('does not grow with every text that it is ever given', () => {
    const kept = keepingStatements(database);
    for (let index = 0; index < 600; index += 1) kept.prepare(`select ${index}`);
    kept.prepare('select 599');
    expect(preparedCount).to.equal(600);
    kept.prepare('select 0');
    expect(preparedCount).to.equal(601);
  });

  it('goes on after the schema has changed', () => {
    const kept = keepingStatements(database);
    expect(kept.prepare('select * from rows where id = 1').all([])).to.deep.equal([{ id: 1 }]);
    database.exec("alter table rows add column name text not null default 'x'");
    expect(kept.prepare('select * from rows where id = 1').all([])).to.deep.equal([{ id: 1, name: 'x' }]);
  });

  it('closes the database', () => {
    keepingStatements(database).close();
    expect(database.open).to.equal(false);
  });
});
