"""The pages of the review room: templates and static files, served by `interfaces.http`."""
