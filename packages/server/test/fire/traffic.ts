import { setTimeout as pause } from 'node:timers/promises'
import type { HeldSession, Person } from './person.ts'

const SESSIONS_HELD = 4

// How often people do what: mostly they just use what they have.
const HABITS = {
  use: 40,
  showDead: 18,
  refresh: 10,
  refreshTogether: 5,
  logIn: 4,
  logOut: 4,
  endOne: 2,
  endOthers: 1,
  endAll: 1,
  refreshWhileEnding: 3,
  steal: 2,
  tryOldPassword: 1,
  changePassword: 1.5,
  resetPassword: 1,
  disable: 1.5,
} as const

/** What someone does until `isOver`, with about `thinkMs` between two acts. */
export async function live(person: Person, { isOver, thinkMs }: { isOver(): boolean; thinkMs: number }): Promise<void> {
  while (!isOver()) {
    await pause(thinkMs * 2 * person.chance.next())
    await actOnce(person)
  }
}

async function actOnce(person: Person): Promise<void> {
  const { chance } = person
  person.giveUpUnsure()
  if (person.isDisabled) return disabledPersonActs(person)
  const session = person.sessions[chance.below(person.sessions.length)]
  if (session === undefined) return person.passwords.length > 0 ? enterAnyhow(person) : undefined
  if (session.unsureSinceMs !== null) return person.refresh(session)
  switch (chance.weighted(HABITS)) {
    case 'use':
      return use(person, session)
    case 'showDead':
      return showDead(person)
    case 'refresh':
      return person.refresh(session)
    case 'refreshTogether':
      await Promise.all(Array.from({ length: 2 + chance.below(4) }, () => person.refresh(session)))
      return
    case 'logIn':
      return person.sessions.length < SESSIONS_HELD ? enter(person) : person.logOut(session, 'access')
    case 'logOut':
      return person.logOut(session, chance.pick(['access', 'refresh']))
    case 'endOne':
      return person.endSession(session, chance.pick([session, ...person.sessions]))
    case 'endOthers':
      return person.endSessions(session, 'endOthers')
    case 'endAll':
      return person.endSessions(session, 'endAll')
    case 'refreshWhileEnding': {
      const ending = chance.pick(['logOut', 'endAll'])
      const others = [person.refresh(session), person.refresh(session)]
      await Promise.all([
        ...others,
        ending === 'logOut' ? person.logOut(session, 'access') : person.endSessions(session, 'endAll'),
      ])
      return
    }
    case 'steal':
      // Some thieves come late: what they show may be the parent of a token that has not been exchanged for a while.
      return chance.next() < 0.5 ? person.steal(session) : steal(person, session)
    case 'tryOldPassword':
      return person.tryOldPassword()
    case 'changePassword':
      return person.changePassword()
    case 'resetPassword':
      return person.resetPassword()
    case 'disable':
      // Whoever logs in meanwhile comes before or after.
      await Promise.all([person.setDisabled(true), ...(chance.next() < 0.3 ? [person.logIn()] : [])])
      person.isDisabled = true
      return
  }
}

async function use(person: Person, session: HeldSession): Promise<void> {
  const { record } = await person.show(session.tokens)
  if (record.status === 401) await person.refresh(session)
}

async function showDead(person: Person): Promise<void> {
  const dead = person.dead[person.chance.below(person.dead.length)]
  if (dead === undefined) return
  if (dead.kind === 'refresh') return person.replay(dead.tokens)
  // Where one instance forgets or lags, the others do not.
  await Promise.all(person.everybody.map((node) => person.show(dead.tokens, { node, act: 'verify' })))
}

/** Shows the grandparent of the token that is current, and makes one where there is none: the owner was robbed. */
export async function steal(person: Person, session: HeldSession): Promise<void> {
  await person.refresh(session)
  if (session.spent.length < 2) await person.refresh(session)
  await person.steal(session)
}

async function disabledPersonActs(person: Person): Promise<void> {
  const deed = person.chance.weighted({ showDead: 3, logIn: 1, enable: 2 })
  if (deed === 'showDead') return showDead(person)
  if (deed === 'logIn') return enter(person)
  return person.setDisabled(false)
}

async function enter(person: Person): Promise<void> {
  await person.logIn()
}

/** Out of every session, perhaps not knowing the password, perhaps disabled without having heard of it. */
async function enterAnyhow(person: Person): Promise<void> {
  await person.logIn()
  if (person.sessions.length > 0) return
  const way = person.chance.weighted({ enable: 3, reset: 2, wait: 5 })
  if (way === 'enable') await person.setDisabled(false)
  if (way === 'reset') await person.resetPassword()
}
