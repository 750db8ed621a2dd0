import { describe, expect, it } from 'vitest';
import { globalsIndex } from './exports.js';
import { LuaMachine } from './machine.js';
import { Sandbox } from './sandbox.js';
import { Threads } from './threads.js';

const memoryBytes = 64 * 1024 * 1024;

/** A script's world of its own: what it returns, or the error that ended it, as texts. */
class World {
  readonly machine = new LuaMachine(memoryBytes);
  readonly threads = new Threads(this.machine);
  readonly sandbox: Sandbox;
  suspensions = 0;
  /** Suspends whenever it can. */
  isPatient = false;

  constructor() {
    const { machine, threads } = this;
    this.sandbox = new Sandbox(machine);
    this.sandbox.extend('', {
      pcall: (L) => threads.protectedCall(L),
      xpcall: (L) => threads.handledCall(L),
    });
    this.sandbox.extend('coroutine', { running: (L) => threads.running(L) });
    this.sandbox.pushTable({
      suspend: (L) => threads.suspend(L),
      canSuspend: (L) => this.#pushBoolean(L, threads.canSuspend(L)),
    });
    this.sandbox.add('host');
    this.sandbox.seal();
    threads.onHook = (L) => {
      if (this.isPatient && threads.canSuspend(L)) threads.suspend(L);
    };
  }

  run(code: string): (string | null)[] {
    const { machine, threads, sandbox } = this;
    const { api } = machine;
    const L = threads.script;
    sandbox.reset(L);
    const bytes = Buffer.from(code);
    const at = api.malloc(bytes.length);
    machine.u8.set(bytes, at);
    if (api.luaL_loadbuffer(L, at, bytes.length, machine.cString('@script')) !== 0) {
      throw new Error(String(machine.text(L, -1)));
    }
    api.free(at);
    let outcome = threads.start(0);
    while (outcome === 'suspended') {
      this.suspensions++;
      machine.pushNumber(threads.last, 42);
      outcome = threads.resume(1);
    }
    const results: (string | null)[] = outcome === 'failed' ? ['failed'] : [];
    const first = outcome === 'failed' ? api.lua_gettop(L) : 1;
    for (let i = first; i <= api.lua_gettop(L); i++) results.push(this.#show(L, i));
    threads.clear(outcome);
    return results;
  }

  #show(L: number, i: number): string | null {
    const { api } = this.machine;
    const type = api.lua_type(L, i);
    if (type === 1) return String(this.machine.i32[this.machine.slot(L, i) >> 2] === 1);
    return type === 5 ? 'table' : this.machine.text(L, i);
  }

  #pushBoolean(L: number, value: boolean): number {
    this.machine.api.lua_pushboolean(L, value ? 1 : 0);
    return 1;
  }
}

describe('a script', () => {
  const world = new World();

  it('returns values', () => {
    expect(world.run('return 1, "two", 2^53, nil, true')).toEqual([
      '1',
      'two',
      '9.007199254741e+15',
      null,
      'true',
    ]);
  });

  it('fails with the place in it, and another one runs', () => {
    expect(world.run('local a\nerror("no")')).toEqual(['failed', 'script:2: no']);
    expect(world.run('return nothing')).toEqual([
      'failed',
      "script:1: Script attempted to access nonexistent global variable 'nothing'",
    ]);
    expect(world.run('return 7')).toEqual(['7']);
  });

  it('can not yield from where nobody resumed it', () => {
    const message = 'attempt to yield across metamethod/C-call boundary';
    expect(world.run('coroutine.yield(1)')).toEqual(['failed', message]);
    expect(world.run('return pcall(coroutine.yield, 1)')).toEqual(['false', message]);
    expect(world.run('return coroutine.running()')).toEqual([null]);
    expect(world.run('return pcall(function() return coroutine.running() end)')).toEqual(['true', null]);
  });

  it('uses coroutines', () => {
    const code = `
      local co = coroutine.wrap(function(a)
        local ok, b = pcall(function(x) return x + 1 end, a)
        local c = coroutine.yield(b)
        return c * 2
      end)
      return co(1), co(10), type(coroutine.running())`;
    expect(world.run(code)).toEqual(['2', '20', 'nil']);
  });
});

describe('a protected call', () => {
  const world = new World();

  it('returns what the function returns, or its error', () => {
    expect(world.run('return pcall(function(...) return select("#", ...), ... end, 1, nil, 3)')).toEqual([
      'true',
      '3',
      '1',
      null,
      '3',
    ]);
    expect(world.run('return pcall(error, "x", 0)')).toEqual(['false', 'x']);
    expect(world.run('return pcall(error, {err = "y"})')).toEqual(['false', 'y']);
    expect(world.run('return pcall(error, {er = "y"})')).toEqual(['false', 'table']);
    expect(world.run('return pcall(nil)')).toEqual(['false', 'attempt to call a nil value']);
    expect(world.run('return pcall()')).toEqual([
      'failed',
      "script:1: bad argument #1 to 'pcall' (value expected)",
    ]);
  });

  it('passes many values', () => {
    expect(world.run('return #{pcall(function(...) return ... end, unpack({}, 1, 500))}')).toEqual(['1']);
    expect(world.run('return select("#", pcall(function(...) return ... end, unpack({}, 1, 5000)))')).toEqual(
      ['5001'],
    );
  });

  it('calls the handler of xpcall with the error, or with its own', () => {
    expect(world.run('return xpcall(function() error("a", 0) end, function(e) return e .. "b" end)')).toEqual(
      ['false', 'ab'],
    );
    expect(world.run('return xpcall(function() return 1, 2 end, error)')).toEqual(['true', '1', '2']);
    expect(world.run('return xpcall(function() error("a", 0) end, nil)')).toEqual([
      'false',
      'error in error handling',
    ]);
    const failing =
      'local n = 0 return xpcall(error, function(e) n = n + 1 if n < 3 then error("x", 0) end return n .. e end)';
    expect(world.run(failing)).toEqual(['false', '3x']);
    expect(world.run('return xpcall(error, function(e) error(e) end)')).toEqual([
      'false',
      'error in error handling',
    ]);
  });

  it('nests, up to a limit', () => {
    const deep =
      'local function f(n) if n == 0 then return "end" end return select(2, pcall(f, n - 1)) end return f';
    expect(
      world.run(`${deep.replace('return f', 'return f(100)').replace('return "end"', 'return "end"')}`),
    ).toEqual(['end']);
    const endless = 'local n = 0 local function f() n = n + 1 pcall(f) end f() return n > 150 and n < 250';
    expect(world.run(endless)).toEqual(['true']);
  });

  it('lets errors through that doom the script', () => {
    const { threads } = world;
    threads.onHook = (L) => {
      threads.isDoomed = true;
      world.machine.raise(L, 'killed');
    };
    const code = 'while true do pcall(function() while true do end end) end';
    expect(world.run(code)).toEqual(['failed', 'killed']);
    threads.onHook = () => {};
  });
});

describe('a suspended script', () => {
  it('gets the results of a function that was suspended', () => {
    const world = new World();
    expect(world.run('return host.suspend() + 1')).toEqual(['43']);
    expect(world.run('return pcall(function() return host.suspend() + 1 end)')).toEqual(['true', '43']);
    expect(world.run('return pcall(pcall, function() return host.suspend() + nil end)')).toEqual([
      'true',
      'false',
      'script:1: attempt to perform arithmetic on a nil value',
    ]);
    expect(
      world.run(
        'return xpcall(function() host.suspend() error("a", 0) end, function(e) return e .. "!" end)',
      ),
    ).toEqual(['false', 'a!']);
  });

  it('goes on where a hook suspended it', () => {
    const world = new World();
    world.isPatient = true;
    expect(world.run('local n = 0 for i = 1, 3000000 do n = n + i end return n')).toEqual(['4500001500000']);
    expect(world.suspensions).toBeGreaterThan(10);
    world.suspensions = 0;
    const nested = `
      local n = 0
      for i = 1, 30 do
        local ok, m = pcall(function()
          local m = 0
          for j = 1, 100000 do m = m + 1 end
          if i % 2 == 0 then error("odd", 0) end
          return m
        end)
        n = n + (ok and m or 1)
      end
      return n`;
    expect(world.run(nested)).toEqual(['1500015']);
    expect(world.suspensions).toBeGreaterThan(10);
  });

  it('is not suspended where it can not be', () => {
    const world = new World();
    const can = (code: string) => world.run(code)[0];
    expect(can('return host.canSuspend()')).toBe('true');
    expect(can('return select(2, pcall(host.canSuspend))')).toBe('true');
    expect(can('return coroutine.wrap(function() return host.canSuspend() end)()')).toBe('false');
    expect(can('return coroutine.wrap(function() return select(2, pcall(host.canSuspend)) end)()')).toBe(
      'false',
    );
    expect(can('return setmetatable({}, {__index = host.canSuspend}).x')).toBe('false');
    const sorting = 'local r table.sort({1, 2}, function() r = host.canSuspend() return false end) return r';
    expect(can(sorting)).toBe('false');
    const inCallback =
      'local r string.gsub("a", "a", function() r = select(2, pcall(host.canSuspend)) end) return r';
    expect(can(inCallback)).toBe('false');
  });

  it('is forgotten without a trace', () => {
    const world = new World();
    const { api } = world.machine;
    const bytes = Buffer.from('pcall(function() host.suspend() end)');
    const at = api.malloc(bytes.length);
    world.machine.u8.set(bytes, at);
    api.luaL_loadbuffer(world.threads.script, at, bytes.length, world.machine.cString('@script'));
    expect(world.threads.start(0)).toBe('suspended');
    world.threads.abandon();
    expect(world.run('return 1')).toEqual(['1']);
  });
});

describe('the sandbox', () => {
  const world = new World();
  const readonly = 'Attempt to modify a readonly table';

  it.each([
    'foo = 1',
    'redis = 1',
    '_G = {}',
    '_G.x = 1',
    'string.format = nil',
    'host.suspend = 1',
    'getmetatable(_G).__index = {}',
    'getmetatable("").__index = {}',
  ])('refuses %s', (code) => {
    expect(world.run(code)).toEqual(['failed', `script:1: ${readonly}`]);
  });

  it.each([
    'setmetatable(_G, {})',
    'setmetatable(string, {})',
    'rawset(_G, "x", 1)',
    'rawset(string, "x", 1)',
  ])('refuses %s, without the place as Lua has it', (code) => {
    expect(world.run(code)).toEqual(['failed', readonly]);
  });

  it('shows read-only tables as if they were plain ones', () => {
    expect(
      world.run('return type(_G._G), _G._G == _G, rawget(_G, "nothing"), type(rawget(_G, "string"))'),
    ).toEqual(['table', 'true', null, 'table']);
    expect(
      world.run('local n = 0 for k, v in pairs(host) do n = n + 1 end return n, type(next(host))'),
    ).toEqual(['2', 'string']);
    const copied = 'local f, t = pairs(host) t.suspend = nil return type(host.suspend)';
    expect(world.run(copied)).toEqual(['function']);
    expect(
      world.run('return getmetatable(string), type(getmetatable("").__index.rep), ("x"):rep(3)'),
    ).toEqual([null, 'table', 'xxx'].map((each, i) => (i === 1 ? 'function' : each)));
    expect(
      world.run(
        'local t = {} for k in pairs(_G) do t[#t + 1] = k end table.sort(t) return table.concat(t, " ")',
      ),
    ).toEqual([
      '_G _VERSION assert collectgarbage coroutine error gcinfo getfenv getmetatable host ipairs load loadstring math next pairs pcall rawequal rawget rawset select setfenv setmetatable string table tonumber tostring type unpack xpcall',
    ]);
  });

  it('keeps globals that a script sets for its thread from the next one', () => {
    world.run('setfenv(0, {tostring = 1})');
    expect(world.run('return type(tostring)')).toEqual(['function']);
  });

  it('notices what table.insert put into a read-only table', () => {
    expect(world.sandbox.isTampered()).toBe(false);
    world.run('table.insert(string, 5, "x")');
    expect(world.sandbox.isTampered()).toBe(true);
  });

  it('does not let out the tables behind', () => {
    const { api, L } = world.machine;
    api.lua_pushvalue(L, globalsIndex);
    expect(api.lua_topointer(L, -1)).toBe(world.sandbox.globals);
    api.lua_settop(L, 0);
  });
});

describe('memory', () => {
  it('has a limit, and what hit it fails', () => {
    const world = new World();
    world.machine.bytesMax = 20 * 1024 * 1024;
    const [outcome, message] = world.run('local t = {} for i = 1, 1e8 do t[i] = {i} end');
    expect([outcome, message]).toEqual(['failed', 'not enough memory']);
    expect(world.machine.memoryBytes).toBeLessThanOrEqual(world.machine.bytesMax);
    expect(world.run('return 1')).toEqual(['1']);
  });
});
