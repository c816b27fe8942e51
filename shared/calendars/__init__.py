"""When a company has time, and who has taken it: availability, bookings, and the calendars behind them."""
