"""stub"""
import asyncio
async def break_things(world, faults):
    await asyncio.sleep(1)
    world.faults_over.set()
