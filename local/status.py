"""What is running, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.processes import Processes
from local.sample import Sample, booking_hint
from local.world import World

if TYPE_CHECKING:
    from local.options import Options

NOT_RUNNING = 3  # what init scripts' "status" answers (Linux Standard Base, "Init Script Actions")


def show(options: Options) -> int:
    """Print the processes and the addresses; the exit status is 0 only if all processes run."""
    processes = Processes(options.state)
    recorded = processes.recorded()
    if not recorded:
        print("Nothing is running here: `make run` starts it.")
        return NOT_RUNNING
    alive = {process.name: processes.is_alive(process) for process in recorded}
    for process in recorded:
        state = "running" if alive[process.name] else "ended"
        print(f"  {process.name:20} {state:8} process {process.pid}, log {process.log}")
    if not all(alive.values()):
        print("Not everything is running: `make down` clears it away, `make run` starts it again.")
        return NOT_RUNNING
    for line in addresses(World.load(options.state)):
        print(line)
    return 0


def addresses(world: World) -> list[str]:
    """Where everything is, as lines for the terminal."""
    lines = [
        f"  API               {world.api_url}",
        f"  chat page         {world.desk_url}",
        f"  local AWS         {world.aws_endpoint_url}  (region {world.region}, keys test / test)",
        f"  model             {world.model_base_url}{'  (simulated)' if world.model_is_simulated else ''}",
        f"  calendar          {world.google_base_url}/calendar  (simulated Google: what is booked)",
        f"  Calendly          {world.calendly_base_url}  (simulated)",
        f"  Own calendar      {world.generic_calendar_base_url}/calendars/ana  (simulated)",
        f"  inbox             {world.mail_base_url}/inbox  (simulated mail; SMTP on port {world.smtp_port})",
        f"  Microsoft         {world.microsoft_base_url}  (simulated)",
        f"  operator's key    {world.operator_api_key}",
    ]
    if world.company_id:
        lines.append(f"  sample company    {world.company_id}, key {world.company_api_key}")
    lines.append(f"  logs              {world.logs}, and what the functions say: python -m local logs")
    return [*lines, "", *booking_hint(world, Sample.read())] if world.company_id else lines
