import { migrate, openDatabase } from './database.mjs'

const database = openDatabase()
console.log(`${migrate(database)} migrations applied`)
database.close()
